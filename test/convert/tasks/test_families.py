"""Every family of detectors: fused, unfused and arithmetic written out here give the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper
import pytest
from support.building import build_in_memory, head_of, raw_outputs
from support.detector_networks import ANCHORS, NETWORKS, plugin, STRIDES
from support.frames import noise_frame
from support.models import anchors_model, dense_model, end_to_end_model, save


from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import BuildError, ModelError
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.thresholds import Thresholds

ALL_NETWORKS = {**NETWORKS,
                'yolo_dense': lambda size_wh, classes, seed: dense_model(size_wh, classes),
                'yolo_anchors': lambda size_wh, classes, seed: anchors_model(size_wh, classes),
                'end_to_end': lambda size_wh, classes, seed: end_to_end_model(
                    size_wh, 18 + classes, classes)}
# TensorRT for RTX 1.7 has nothing that runs it.
WITH_SUPPRESSION = ('torchvision_like', 'seven', 'counted')
SUPPRESSED_LATER = ('yolo', 'plugin')
Floats = NDArray[Any]
Boxes = tuple[Floats, Floats, Floats]


def sigmoid(values: Any) -> Any:
    return 1 / (1 + np.exp(-values))


def of_rows(boxes: Floats, by_class: Floats) -> Boxes:
    return boxes, by_class.max(1), by_class.argmax(1)


def centres_to_corners(boxes: Floats) -> Floats:
    return np.stack([boxes[:, 0] - boxes[:, 2] / 2, boxes[:, 1] - boxes[:, 3] / 2,
                     boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2], 1)


def reference(name: str, raw: dict[str, Floats], size_wh: tuple[int, int], classes: int) -> Boxes:
    """Return corners in network pixels, scores and classes of everything, one by one."""
    out = [values.astype(np.float64) for values in raw.values()]
    if name == 'yolo_dense':
        return of_rows(centres_to_corners(out[0][0, :4].T), out[0][0, 4:].T)
    if name == 'end_to_end':
        return out[0][0, :, :4], out[0][0, :, 4], out[0][0, :, 5]
    if name in ('yolo_anchors', 'yolox_decoded'):
        return of_rows(centres_to_corners(out[0][0, :, :4]), out[0][0, :, 5:] * out[0][0, :, 4:5])
    if name == 'yolox':
        boxes, row = np.empty((len(out[0][0]), 4)), 0
        for stride in STRIDES:
            for y in range(size_wh[1] // stride):
                for x in range(size_wh[0] // stride):
                    one = out[0][0, row]
                    boxes[row] = ((one[0] + x) * stride, (one[1] + y) * stride,
                                  np.exp(one[2]) * stride, np.exp(one[3]) * stride)
                    row += 1
        return of_rows(centres_to_corners(boxes), out[0][0, :, 5:] * out[0][0, :, 4:5])
    if name == 'yolo_grids':
        found, by_class = [], []
        for grid, stride, anchors in zip(out, STRIDES, np.reshape(ANCHORS, (3, 3, 2))):
            for anchor, y, x in np.ndindex(grid.shape[1:4]):
                one = sigmoid(grid[0, anchor, y, x])
                found.append([(2 * one[0] - .5 + x) * stride, (2 * one[1] - .5 + y) * stride,
                              *(2 * one[2:4]) ** 2 * anchors[anchor]])
                by_class.append(one[5:] * one[4])
        return of_rows(centres_to_corners(np.array(found)), np.array(by_class))
    if name.startswith('detr'):
        logits, boxes = (raw[key][0].astype(np.float64) for key in ('logits', 'pred_boxes'))
        shares = sigmoid(logits) if name == 'detr_sigmoid' else (
            np.exp(logits) / np.exp(logits).sum(1, keepdims=True))[:, :classes]
        return of_rows(centres_to_corners(boxes * (size_wh * 2)), shares)
    if name == 'ultralytics_detr':
        return of_rows(centres_to_corners(out[0][0, :, :4] * (size_wh * 2)), out[0][0, :, 4:])
    if name == 'seven':
        return out[0][:, 1:5], out[0][:, 6], out[0][:, 5]
    if name == 'counted':
        count = int(raw['num_dets'][0, 0])
        return (raw['det_boxes'][0, :count], raw['det_scores'][0, :count],
                raw['det_classes'][0, :count])
    if name.startswith('plugin'):
        boxes, scores = (values[0] for values in out)
        return of_rows(boxes if 'corners' in name else centres_to_corners(boxes), scores)
    return raw['boxes'].reshape(-1, 4), raw['scores'].ravel(), raw['labels'].ravel()


def slow_nms(boxes: Floats, scores: Floats, classes: Floats, limit: float) -> list[int]:
    kept: list[int] = []
    for one in np.argsort(-scores, kind='stable').tolist():
        for other in kept:
            low = np.maximum(boxes[one, :2], boxes[other, :2])
            high = np.minimum(boxes[one, 2:], boxes[other, 2:])
            common = np.prod(np.maximum(high - low, 0))
            areas = sum(np.prod(np.maximum(boxes[index, 2:] - boxes[index, :2], 0))
                        for index in (one, other))
            if classes[one] == classes[other] and common / (areas - common) > limit:
                break
        else:
            kept.append(one)
    return kept


def expected_in_source(name: str, found: Boxes, letterbox: Any, thresholds: Thresholds
                       ) -> Boxes:
    boxes, scores, classes = (np.asarray(values, np.float64) for values in found)
    width, height = letterbox.source_size_wh
    source = np.empty_like(boxes)
    source[:, 0::2] = ((boxes[:, 0::2] - letterbox.pad_left) / letterbox.scale_x).clip(0, width)
    source[:, 1::2] = ((boxes[:, 1::2] - letterbox.pad_top) / letterbox.scale_y).clip(0, height)
    solid = (source[:, 2] > source[:, 0]) & (source[:, 3] > source[:, 1])
    chosen = np.flatnonzero(solid & (scores >= thresholds.confidence))
    order = chosen[np.argsort(-scores[chosen], kind='stable')]
    if name.startswith(SUPPRESSED_LATER):
        order = chosen[slow_nms(boxes[chosen], scores[chosen], classes[chosen],
                                thresholds.nms_iou)]
    return source[order], scores[order], classes[order]


@pytest.mark.parametrize('size_wh, classes, seed', [
    ((96, 64), 3, 1), ((160, 128), 12, 2), ((64, 64), 1, 5)], ids=['3', '12', '1'])
@pytest.mark.parametrize('name', ALL_NETWORKS)
def test_fused_and_unfused_are_the_reference(name: str, size_wh: tuple[int, int], classes: int,
                                             seed: int, tmp_path: Path) -> None:
    if classes == 1 and name.startswith('detr'):
        pytest.skip('a head of one class and none is read as two classes')
    path = save(ALL_NETWORKS[name](size_wh, classes, seed), tmp_path / 'm.onnx')
    anchors = tuple(map(float, ANCHORS)) if name == 'yolo_grids' else ()
    options = BuildOptions(backend='onnxruntime', anchors_wh=anchors)
    built = build_in_memory(path, options)
    frame = noise_frame((150, 91), seed)
    raw, letterbox = raw_outputs(path, built.manifest, frame)
    everything = reference(name, raw, size_wh, classes)
    thresholds = Thresholds(confidence=float(np.median(everything[1])) - 1e-3, nms_iou=0.5,
                            max_detections=1000)
    boxes, scores, class_ids = expected_in_source(name, everything, letterbox, thresholds)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        fused, _ = detect(runtime, frame, thresholds)
    unfused = head_of(path, options).decode(raw, letterbox, thresholds)
    assert len(boxes) > (0 if classes == 1 else 2)
    for found in (fused, unfused):
        assert len(found) == len(boxes)
        # Of equal scores, which are there in plenty, the order is open.
        off_px = np.abs(found.boxes_xyxy[:, None] - boxes[None]).max(2)
        same = (off_px < 1e-3) & (np.abs(found.scores[:, None] - scores[None]) < 1e-4)
        same &= found.class_ids[:, None] == class_ids[None]
        assert same.any(0).all() and same.any(1).all()
        assert (np.diff(found.scores) <= 0).all()


@pytest.mark.skipif(not installed_tensorrt(), reason='neither tensorrt nor tensorrt_rtx is here')
@pytest.mark.parametrize('name', ALL_NETWORKS)
def test_tensorrt_builds_them(name: str, tmp_path: Path) -> None:
    path = save(ALL_NETWORKS[name]((96, 64), 3, 1), tmp_path / 'm.onnx')
    recipe = BuildOptions(backend=installed_tensorrt(),
                          anchors_wh=ANCHORS if name == 'yolo_grids' else ())
    if installed_tensorrt() == 'tensorrt_rtx' and name in WITH_SUPPRESSION:
        with pytest.raises(BuildError, match='NonMaxSuppression'):
            build_in_memory(path, recipe)
        return
    built = build_in_memory(path, recipe)
    assert built.manifest.backend == installed_tensorrt()
    assert built.manifest.decoder in ('candidates', 'candidates_final')


def test_what_a_family_does_to_pixels_before(tmp_path: Path) -> None:
    def contract(name: str) -> Any:
        path = save(NETWORKS[name]((96, 64), 3, 1), tmp_path / 'm.onnx')
        return build_in_memory(path, BuildOptions(backend='onnxruntime')).manifest.image_input
    for name in ('yolox', 'yolox_decoded'):
        assert (contract(name).color_order, contract(name).scale) == ('bgr', 1.0)
    assert contract('detr_softmax').mean == (.485, .456, .406)
    assert contract('sized_detr').scale == 1 / 255
    path = save(NETWORKS['yolox']((96, 64), 3, 1), tmp_path / 'm.onnx')
    stated = build_in_memory(path, BuildOptions(
        backend='onnxruntime', input_contract='{"scale": 0.5}')).manifest.image_input
    assert (stated.color_order, stated.scale) == ('rgb', 0.5)
    with pytest.raises(ModelError, match='input_contract cannot be used .*unknown are colour'):
        build_in_memory(path, BuildOptions(backend='onnxruntime', input_contract='{"colour": 1}'))


def test_the_background_is_the_first_class_of_torchvision(tmp_path: Path) -> None:
    model = NETWORKS['torchvision_like']((96, 64), 2, 1)
    path = save(model, tmp_path / 'm.onnx')
    assert build_in_memory(path, BuildOptions(backend='onnxruntime')).manifest.labels == (
        'background', 'c0', 'c1')
    del model.metadata_props[:]
    path = save(model, tmp_path / 'm.onnx')
    labels = ('__background__', 'cat', 'dog')
    built = build_in_memory(path, BuildOptions(backend='onnxruntime', labels=labels))
    assert built.manifest.labels == labels


@pytest.mark.parametrize('name', sorted({
    'yolox', 'yolox_decoded', 'detr_sigmoid', 'ultralytics_detr', 'sized_detr',
    'torchvision_like', 'seven', 'counted'}))
def test_labels_are_asked_for_where_shapes_do_not_tell(name: str, tmp_path: Path) -> None:
    model = NETWORKS[name]((96, 64), 3, 1)
    del model.metadata_props[:]
    with pytest.raises(ModelError, match='give labels'):
        build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime'))


def test_anchors_are_asked_for_and_read_from_the_metadata(tmp_path: Path) -> None:
    model = NETWORKS['yolo_grids']((96, 64), 3, 1)
    for text, match in (('', '18 numbers above 0 in pixels, and 0 are given'),
                        ('[1, 2, 3]', 'and 3 are given.*v5: 10,13'), ('(((', 'cannot be read')):
        if text:
            helper.set_model_props(model, {'names': "['a', 'b', 'c']", 'anchors': text})
        with pytest.raises(ModelError, match=match):
            build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime'))
    helper.set_model_props(model, {'names': "['a', 'b', 'c']", 'anchors': str(
        [list(ANCHORS[start:start + 6]) for start in (0, 6, 12)])})
    built = build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime'))
    assert built.manifest.head == 'yolo_grids'


def test_a_plugin_that_cannot_be_replaced(tmp_path: Path) -> None:
    model = plugin((96, 64), 3, 1)
    model.graph.node[-1].input.append(model.graph.node[-1].input[0])
    with pytest.raises(ModelError, match='ends in EfficientNMS_TRT .*without suppression'):
        check_onnx(save(model, tmp_path / 'm.onnx'))


def test_boxes_that_come_neither_from_a_convolution_nor_decoded(tmp_path: Path) -> None:
    model = NETWORKS['yolox']((96, 64), 3, 1)
    for node in model.graph.node:
        if node.op_type == 'Sigmoid':
            node.op_type = 'Tanh'
    with pytest.raises(ModelError, match='not known'):
        build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime'))


def test_an_image_of_open_size_beside_its_target_size(tmp_path: Path) -> None:
    model = NETWORKS['sized_detr']((96, 64), 3, 1)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = 'height'
    onnx.save(model, str(tmp_path / 'm.onnx'))
    with pytest.raises(ModelError, match="'orig_target_sizes' beside an image of open size"):
        check_onnx(tmp_path / 'm.onnx')
