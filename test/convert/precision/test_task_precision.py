# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Networks of each task in lower precision, and their accuracy drop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from support.building import build_in_memory
from support.image_folder import image_folder
from support.models import dense_model, save
from support.task_models import convolution_model, segment_model

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.tasks import TASKS
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks.classify import Classification
from edge_trt_ros.vision.tasks.semantic import ClassMap
from edge_trt_ros.vision.tasks.tensors import RawTensors

BACKENDS = ['onnxruntime', *(['tensorrt_rtx'] if installed_tensorrt() == 'tensorrt_rtx' else [])]
NETWORKS = {
    'classify': lambda: convolution_model((1, 10), {'task': 'classify'}),
    'semantic': lambda: convolution_model((1, 5, 16, 16), {'task': 'semantic'}),
    'segment': segment_model,
    'pose': lambda: dense_model((64, 64), 16, weight=1.0, metadata={
        'task': 'pose', 'kpt_shape': '[5, 3]'}),
    'obb': lambda: dense_model((64, 64), 5, weight=1.0, metadata={'task': 'obb'}),
    'tensors': lambda: convolution_model((1, 4, 8, 8), {'task': 'tensors'}),
}


@pytest.fixture(scope='module')
def images(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(image_folder(tmp_path_factory.mktemp('calibration') / 'images'))


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('precision', ['fp16', 'int8'])
@pytest.mark.parametrize('task', NETWORKS)
def test_tasks_build_in_lower_precision(task: str, precision: str, backend: str, tmp_path: Path,
                                        images: str) -> None:
    model: onnx.ModelProto = NETWORKS[task]()
    manifest = build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions(
        backend=backend, precision=precision, max_accuracy_drop=1.0,
        calibration=images if precision == 'int8' else '')).manifest
    assert manifest.task == task and manifest.layers['precision'] == precision
    assert precision in manifest.layers['precisions']
    if precision == 'int8':
        assert 0 <= manifest.layers['accuracy_drop'] <= 1


def test_share_kept_of_each_task() -> None:
    box = Letterbox.fit((4, 4), (4, 4))
    scores = np.array([.7, .3], np.float32)
    same = Classification(np.array([3, 1]), scores)
    swapped = Classification(np.array([1, 3]), scores)
    assert TASKS['classify'].share_kept([(same, same), (same, swapped)]) == 0.5
    flat = np.zeros((4, 4), np.int64)
    half = flat.copy()
    half[:2] = 1
    maps = ClassMap(flat, box), ClassMap(half, box)
    assert TASKS['semantic'].share_kept([maps]) == 0.5
    values = np.array([3, 4], np.float32)
    tensors = RawTensors({'a': values}), RawTensors({'a': values * 0})
    assert TASKS['tensors'].share_kept([tensors]) == 0
    assert all(task.share_kept([]) == 1 for task in TASKS.values())
