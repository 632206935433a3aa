# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Segmentation, pose and OBB whose rows are final: read as such, on device and host alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.building import build_in_memory, head_of, raw_outputs
from support.frames import noise_frame
from support.models import save
from support.net import FLOAT, Net

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ModelError
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.tasks.segment import Instances
from edge_trt_ros.vision.thresholds import Thresholds

SIZE_WH, CLASSES, COUNT = (96, 64), 5, 40
MORE = {'segment': 8, 'pose': 15, 'obb': 1}
METADATA: dict[str, Mapping[str, str]] = {
    'segment': {}, 'pose': {'kpt_shape': '[5, 3]'}, 'obb': {}}


def final_model(task: str, labels: bool = True) -> onnx.ModelProto:
    """Return a network whose rows are the best of its cells, as Ultralytics 26 exports them."""
    net = Net(SIZE_WH, 3)
    cells = net.rows(8, 4 + CLASSES + MORE[task])
    box, scores, more = (net('Sigmoid', net.part(cells, *ends, 2)) for ends in (
        (0, 4), (4, 4 + CLASSES), (4 + CLASSES, 4 + CLASSES + MORE[task])))
    low, size = (net('Mul', net.part(box, *ends, 2), np.array(SIZE_WH) * .5)
                 for ends in ((0, 2), (2, 4)))
    second = size if task == 'obb' else net('Add', low, size)
    rows = net('Concat', net('Add', low, np.array(8.)) if task == 'obb' else low, second, axis=2)
    net('TopK', net('ReduceMax', scores, np.array([2]), keepdims=0), np.array([COUNT]),
        outputs=['best', 'order'], axis=1)
    label = net('Cast', net('GatherElements', net('ArgMax', scores, axis=2, keepdims=0), 'order',
                            axis=1), to=FLOAT)
    place = net('Unsqueeze', 'order', np.array([2]))

    def chosen(values: str, columns: int) -> str:
        wide = net('Expand', place, np.array([1, COUNT, columns]))
        return net('GatherElements', values, wide, axis=1)
    net('Concat', chosen(rows, 4), net('Unsqueeze', 'best', np.array([2])),
        net('Unsqueeze', label, np.array([2])),
        chosen(net('Mul', more, np.array(60.)) if task == 'pose' else net(
            'Sub', more, np.array(.5)), MORE[task]), outputs=['output0'], axis=2)
    outputs: dict[str, tuple[int, list[Any]]] = {
        'output0': (FLOAT, [1, COUNT, 6 + MORE[task]])}
    if task == 'segment':
        net('Identity', net.cells(4, MORE[task]), outputs=['output1'])
        outputs['output1'] = (FLOAT, [1, MORE[task], SIZE_WH[1] // 4, SIZE_WH[0] // 4])
    model = net.model(outputs, CLASSES if labels else 0)
    for key, value in {'task': task, **METADATA[task]}.items():
        model.metadata_props.add(key=key, value=value)
    return model


@pytest.mark.parametrize('task', MORE)
def test_final_rows_match_the_raw_rows(task: str, tmp_path: Path) -> None:
    path = save(final_model(task), tmp_path / 'm.onnx')
    built = build_in_memory(path, BuildOptions(backend='onnxruntime'))
    frame, thresholds = noise_frame((150, 91), 3), Thresholds(0.3, 0.1, 300)
    raw, box = raw_outputs(path, built.manifest, frame)
    head = head_of(path)
    on_host = head.decode(raw, box, thresholds)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device, _ = infer(runtime, frame, thresholds)
    assert head.rows == COUNT and len(head.labels) == CLASSES
    rows = raw['output0'][0]
    rows = rows[rows[:, 4] >= 0.3]
    for found in (on_host, on_device):
        if isinstance(found, Instances):
            np.testing.assert_array_equal(found.instance_map, on_host.instance_map)
            assert found.instance_map.any()
            found = found.detections
        # No box is dropped for its overlap, and every class is one of the network's.
        assert 3 < len(found) <= len(rows) and found.class_ids.max() < CLASSES
        expected = {(round(float(row[4]), 4), int(row[5])) for row in rows}
        assert {(round(float(score), 4), int(label)) for score, label in zip(
            found.scores, found.class_ids)} <= expected
        if task == 'pose':
            scores = rows[:, 4].tolist()
            order = [int(np.argmin(np.abs(np.array(scores) - score))) for score in found.scores]
            points = box.keypoints_to_source(rows[order, 6:].reshape(-1, 5, 3))
            np.testing.assert_allclose(found.keypoints, points, atol=1e-3)
        if task == 'obb':
            assert len(found) == len(rows)
            np.testing.assert_allclose(found.angles_rad, rows[:, 6], atol=1e-5)
            centres = (found.boxes_xyxy[:, :2] + found.boxes_xyxy[:, 2:]) / 2
            shown = (rows[:, :2] - (box.pad_left, box.pad_top)) / (box.scale_x, box.scale_y)
            np.testing.assert_allclose(centres, shown, atol=1e-3)


@pytest.mark.parametrize('task', MORE)
def test_labels_are_required(task: str, tmp_path: Path) -> None:
    path = save(final_model(task, labels=False), tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match='give labels'):
        head_of(path)


@pytest.mark.skipif(not installed_tensorrt(), reason='neither tensorrt nor tensorrt_rtx is here')
@pytest.mark.parametrize('task', MORE)
def test_tensorrt_builds_them(task: str, tmp_path: Path) -> None:
    path = save(final_model(task), tmp_path / 'm.onnx')
    assert build_in_memory(path, BuildOptions(backend=installed_tensorrt())).engine
