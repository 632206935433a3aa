# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A head that a user adds in a file of their own works everywhere a built-in head does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper, TensorProto
import pytest
from support.building import build_in_memory, decoded_on_the_host, head_of
from support.frames import noise_frame
from support.models import dense_model, LABELS, save
from support.own_head import corners_model

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import draft_plan
from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads import add_head, Head, HEADS, Reading, rows_of_table
from edge_trt_ros.heads.appending import append_best
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_engine, open_runtime
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.selection import select
from edge_trt_ros.vision.tasks import find_task
from edge_trt_ros.vision.thresholds import Thresholds

THRESHOLDS = Thresholds(confidence=0.3)


def read(network: Any) -> list[Reading]:
    by_name = {output.name: output for output in network.outputs}
    if set(by_name) != {'corners', 'confidences'}:
        return []
    _, rows, classes = by_name['confidences'].shape
    return [Reading(classes, rows, by_name, image_input={'color_order': 'bgr'})]


def append(tail: Any, found: Any, raw: Any, size_wh: tuple[int, int], kept: int) -> None:
    order = append_best(tail, raw['confidences'], kept)
    boxes = tail.node('Transpose', [raw['corners']], perm=[0, 2, 1])
    tail.node('Identity', [tail.rows(boxes, order, kept, 4)], 'boxes_xyxy')


def decode(outputs: Any, letterbox: Any, thresholds: Thresholds) -> Any:
    scores = outputs['confidences'][0]
    chosen = np.flatnonzero(scores.max(1) >= thresholds.confidence)
    return select(outputs['corners'][0].T[chosen], scores[chosen].max(1),
                  scores[chosen].argmax(1), letterbox, thresholds, suppress=True)[0]


OWN = Head('our_corners', ('detect',), 'candidates',
           'corners [1, 4, boxes] and confidences [1, boxes, classes]', 'networks of our lab',
           read, append, decode)


@pytest.fixture(autouse=True)
def own_head() -> Iterator[None]:
    add_head(OWN)
    yield
    del HEADS[OWN.name]


@pytest.fixture()
def path(tmp_path: Path) -> Path:
    return save(corners_model(), tmp_path / 'm.onnx')


def test_it_is_recognised(path: Path) -> None:
    head = head_of(path)
    assert (head.name, head.labels, head.rows) == ('our_corners', LABELS, 126)
    assert 'head our_corners: 3 classes, 126 boxes' in str(draft_plan(path, BuildOptions()))
    del HEADS[OWN.name]
    with pytest.raises(ModelError, match='the head is not known'):
        head_of(path)
    add_head(OWN)


def test_it_is_built_verified_and_decoded(path: Path) -> None:
    engine = path.with_suffix('.engine')
    manifest, _ = build_engine(path, engine, BuildOptions(backend='onnxruntime'))
    assert (manifest.head, manifest.decoder, manifest.head_runs_in) == (
        'our_corners', 'candidates', 'engine')
    assert manifest.image_input.color_order == 'bgr'
    assert manifest.verification['boxes'] > 10
    assert manifest.verification['p99_box_error_px'] < 0.01
    frame = noise_frame((150, 91), 3)
    with open_runtime(engine).runtime as runtime:
        found, _ = detect(runtime, frame, THRESHOLDS)
    expected = decoded_on_the_host(path, manifest, frame, THRESHOLDS)
    assert len(found) == len(expected) > 2
    np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=1e-3)
    np.testing.assert_array_equal(found.class_ids, expected.class_ids)


@pytest.mark.skipif(installed_tensorrt() != 'tensorrt_rtx',
                    reason='TensorRT for RTX is not installed')
@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_tensorrt_builds_and_verifies_it(path: Path, precision: str) -> None:
    built = build_in_memory(path, BuildOptions(backend='tensorrt_rtx', precision=precision))
    assert built.manifest.backend == 'tensorrt_rtx' and len(built.engine) > 1000
    assert built.manifest.head == 'our_corners' and built.manifest.verification['boxes'] > 10
    assert built.on_cpu is not None
    with open_engine(built.on_cpu.engine, built.on_cpu.manifest).runtime as runtime:
        assert len(detect(runtime, noise_frame((150, 91), 3), THRESHOLDS)[0]) > 2


def test_its_results_are_drawn_and_written_as_json(path: Path) -> None:
    built = build_in_memory(path, BuildOptions(backend='onnxruntime'))
    with open_engine(built.engine, built.manifest).runtime as runtime:
        found, _ = detect(runtime, noise_frame((150, 91), 3), THRESHOLDS)
    task = find_task(built.manifest.task)
    image = np.zeros((91, 150, 3), np.uint8)
    task.draw(image, found, built.manifest.labels)
    assert image.any()
    objects = task.describe(found, built.manifest.labels)['detections']
    assert len(objects) == len(found) and objects[0]['label'] in LABELS


def test_it_is_documented_and_named_in_messages(tmp_path: Path) -> None:
    assert ('networks of our lab', OWN.outputs, '') in rows_of_table()
    model = dense_model()
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1
    model.graph.node[-1].op_type = 'Div'
    model.graph.node.append(helper.make_node('Flatten', ['output0'], ['flat']))
    del model.graph.output[:]
    model.graph.output.append(
        helper.make_tensor_value_info('flat', TensorProto.FLOAT, [1, 7 * 84]))
    with pytest.raises(ModelError, match=r'Known are: .*, our_corners \('):
        head_of(save(model, tmp_path / 'other.onnx'))


def test_an_engine_keeps_working_without_the_head(path: Path) -> None:
    """The manifest names the head, but what decodes is a format of the task."""
    engine = path.with_suffix('.engine')
    build_engine(path, engine, BuildOptions(backend='onnxruntime'))
    del HEADS[OWN.name]
    try:
        with open_runtime(engine).runtime as runtime:
            assert len(detect(runtime, noise_frame((150, 91), 3), THRESHOLDS)[0]) > 2
        assert manifest_path(engine).exists()
    finally:
        add_head(OWN)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="a head 'our_corners' exists already"):
        add_head(OWN)
    with pytest.raises(ValueError, match="the head's name is 'two words'"):
        Head('two words', ('detect',), 'candidates', '', '', read, append, decode)
