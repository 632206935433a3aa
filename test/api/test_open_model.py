# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A model that is opened from Python: inputs, results, thresholds, errors, closing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.frames import noise_frame
from support.models import dense_model, save
from support.results import arrays_of, assert_equal
from support.task_models import convolution_model, segment_model

from edge_trt_ros import (Classification, ClassMap, DepthMap, Detections, EdgeTrtError, Frame,
                          Instances, Model, open_model, RawTensors, Thresholds)
from edge_trt_ros.errors import ConfigurationError, EngineError, ImageError
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_runtime

THRESHOLDS = Thresholds(confidence=0.1)
IMAGE = noise_frame().pixels


def test_an_image_gives_what_the_pipeline_gives(engine: Path, model: Model) -> None:
    found = model(IMAGE)
    with open_runtime(engine).runtime as runtime:
        expected, _ = detect(runtime, noise_frame(), THRESHOLDS)
    assert isinstance(found, Detections) and len(found) > 2
    assert_equal(found, expected)
    assert_equal(model.detect(IMAGE), expected)
    assert found.boxes_xyxy.max() <= 160 and {'network', 'postprocess'} <= set(
        model.stage_times_ms)


def test_what_a_model_says_of_itself(model: Model, engine: Path) -> None:
    assert (model.task, model.labels) == ('detect', ('car', 'truck', 'pedestrian'))
    assert model.manifest.backend == 'onnxruntime' and model.device.startswith('CPU')
    assert repr(model).startswith('<Model detect, 3 labels, CPU') and model.reason
    with open_model(str(engine.with_suffix('.onnx'))) as opened:
        assert 'converted at start from m.onnx' in opened.reason


def test_images_of_other_encodings_and_layouts(model: Model) -> None:
    found = model(IMAGE)
    assert_equal(model(Frame.from_array(IMAGE[..., ::-1], 'rgb8')), found)
    assert_equal(model(np.asfortranarray(IMAGE)), found)
    large = np.zeros((200, 300, 3), np.uint8)
    large[20:110, 30:190] = IMAGE
    crop = large[20:110, 30:190]
    assert Frame.from_array(crop).pixels is crop, 'rows with a gap are not copied'
    assert_equal(model(crop), found)
    gray = np.ascontiguousarray(IMAGE[..., 0])
    assert_equal(model(Frame.from_array(gray, 'mono8')), model(np.repeat(gray[..., None], 3, 2)))


def test_thresholds_of_the_model_and_of_a_call(model: Model) -> None:
    everything = model.detect(IMAGE, Thresholds(confidence=0.0, nms_iou=1.0))
    best = model.detect(IMAGE, Thresholds(confidence=0.1, max_detections=2))
    assert len(everything) > len(model.detect(IMAGE)) > len(best) == 2
    wanted = int(everything.class_ids[0])
    of_one_class = model.detect(IMAGE, Thresholds(confidence=0.0, class_ids=[wanted]))
    assert set(of_one_class.class_ids.tolist()) == {wanted} < set(everything.class_ids.tolist())
    model.thresholds = Thresholds(confidence=1.0)
    assert len(model.detect(IMAGE)) == 0


@pytest.mark.parametrize('values, match', [
    ({'confidence': 40}, 'confidence is 40, expected 0 to 1'), ({'nms_iou': -1}, 'nms_iou is -1'),
    ({'max_detections': 0}, 'max_detections is 0, expected 1 or more'), ({'top_k': 0}, 'top_k')])
def test_thresholds_out_of_range(values: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        Thresholds(**values)


@pytest.mark.parametrize('given, match', [
    (None, 'the image is None: cv2.imread returns None for a file that it cannot read'),
    ('road.png', "this is the text 'road.png': read the file with cv2.imread first"),
    ({'x': IMAGE}, 'this is a value of type dict'),
    (IMAGE.astype(np.float32), 'dtype float32, expected uint8'),
    (IMAGE[..., 0], r'shape \(90, 160\), expected \(90, 160, 3\)'),
    (IMAGE[:0], 'at least one pixel'), (np.uint8(7) + np.zeros(5, np.uint8), 'have shape'),
    (Frame(IMAGE, 'bgr8', (160, 91)), r'states \(160, 91\).*pixels have \(160, 90\)'),
    (Frame(IMAGE, 'bayer', (160, 90)), "encoding 'bayer' is not one of")])
def test_samples_of_the_wrong_kind(given: Any, match: str, model: Model) -> None:
    for run in (model, model.batch if not isinstance(given, (str, dict)) else model):
        with pytest.raises(ImageError, match=match):
            run([given] if run != model else given)
    assert len(model.detect(IMAGE)) > 2, 'the model still works'


@pytest.mark.parametrize('network, kind', [
    (dense_model(), Detections), (segment_model(), Instances),
    (convolution_model((1, 10), {'task': 'classify'}), Classification),
    (convolution_model((1, 4, 16, 16), {'task': 'semantic'}), ClassMap),
    (convolution_model((1, 1, 16, 16), {'task': 'depth', 'author': 'Ultralytics'}, 'Sigmoid'),
     DepthMap),
    (convolution_model((1, 10), {'task': 'tensors'}), RawTensors)])
def test_results_own_their_arrays(network: Any, kind: type, tmp_path: Path,
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """A result shares no memory with the buffers of the runtime, nor with the image."""
    path = save(network, tmp_path / 'm.onnx')
    with open_model(path, thresholds=THRESHOLDS) as model:
        outputs: list[np.ndarray] = []
        collect = model._runtime.collect

        def recorded(ticket: Any) -> Any:
            collected = collect(ticket)
            outputs.extend(collected.values())
            return collected
        monkeypatch.setattr(model._runtime, 'collect', recorded)
        result = model(IMAGE)
        assert isinstance(result, kind) and arrays_of(result) and outputs
        for array in arrays_of(result):
            assert not any(np.shares_memory(array, other) for other in (*outputs, IMAGE))
        json.dumps(model.to_dict(result))
        before = IMAGE.copy()
        drawn = model.draw(IMAGE, result)
        np.testing.assert_array_equal(IMAGE, before)
        assert drawn.shape == IMAGE.shape and drawn.dtype == np.uint8
        assert (drawn != IMAGE).any() == (kind is not RawTensors)
        if kind in (Classification, ClassMap, DepthMap, RawTensors):
            with pytest.raises(EngineError, match='has no boxes: call the model itself'):
                model.detect(IMAGE)
        elif isinstance(result, Instances):
            assert_equal(model.detect(IMAGE), result.detections)


def test_texts_and_tensors(tmp_path: Path) -> None:
    pytest.importorskip('tokenizers', reason='texts are read by the package tokenizers')
    from support.text_models import LABELS, save_text_model
    with open_model(save_text_model(tmp_path, 12)) as model:
        found = model('go now')
        assert isinstance(found, Classification) and model.labels == LABELS
        assert model.to_dict(found)['classes'][0]['label'] in LABELS
        with pytest.raises(ImageError, match="task is 'text', which reads a text, as a str"):
            model(IMAGE)


@pytest.mark.parametrize('name, arguments, match', [
    ('none.engine', {}, 'there is no engine file'), ('none.onnx', {}, 'there is no ONNX file'),
    ('m.engine', {'backend': 'tensorrt'}, 'built for onnxruntime'),
    ('m.engine', {'backend': 'tpu'}, "backend is 'tpu', expected")])
def test_models_that_cannot_be_opened(name: str, arguments: dict[str, Any], match: str,
                                      engine: Path) -> None:
    with pytest.raises(EdgeTrtError, match=match):
        open_model(engine.with_name(name), **arguments)
