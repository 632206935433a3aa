# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tasks other than detection, decoded on device and host, match plain NumPy code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.building import build_in_memory, head_of, raw_outputs
from support.frames import noise_frame
from support.models import save
from support.task_models import convolution_model

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ConfigurationError, EngineError, ModelError
from edge_trt_ros.runtime.pipeline import detect, infer
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.vision.thresholds import Thresholds


def both_ways(tmp_path: Path, model: onnx.ModelProto, options: BuildOptions,
              thresholds: Thresholds = Thresholds()) -> tuple[Any, Any, np.ndarray, Any]:
    """Return the results decoded on device and host, the raw output and the letterbox."""
    path = save(model, tmp_path / 'm.onnx')
    built = build_in_memory(path, options)
    frame = noise_frame((150, 91), 3)
    raw, letterbox = raw_outputs(path, built.manifest, frame)
    on_host = head_of(path, options).decode(raw, letterbox, thresholds)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device, _ = infer(runtime, frame, thresholds)
        if built.manifest.task != 'detect':
            with pytest.raises(EngineError, match='has no boxes'):
                detect(runtime, frame, thresholds)
    return on_device, on_host, raw['output0'].astype(np.float64), letterbox


@pytest.mark.parametrize('classes, last, half', [
    (10, '', False), (1200, '', False), (10, 'Softmax', False), (4, 'Sigmoid', False),
    (10, '', True)])
def test_classification_matches_the_reference(tmp_path: Path, classes: int, last: str,
                                              half: bool) -> None:
    model = convolution_model((1, classes), {'task': 'classify'}, last, half=half)
    on_device, on_host, raw, _ = both_ways(tmp_path, model, BuildOptions(), Thresholds(top_k=3))
    scores = raw[0] if last else np.exp(raw[0]) / np.exp(raw[0]).sum()
    best = sorted(range(classes), key=lambda index: -scores[index])[:3]
    for found in (on_device, on_host):
        assert found.class_ids.tolist() == best
        np.testing.assert_allclose(found.scores, scores[best], atol=1e-4)


@pytest.mark.parametrize('shape, size_wh, half', [
    ((1, 5, 16, 16), (64, 64), False), ((1, 300, 8, 16), (128, 64), False),
    ((1, 3, 64, 64), (64, 64), False), ((1, 5, 16, 16), (64, 64), True)])
def test_class_maps_match_the_reference(tmp_path: Path, shape: tuple[int, ...],
                                        size_wh: tuple[int, int], half: bool) -> None:
    model = convolution_model(shape, {'task': 'semantic'}, size_wh=size_wh, half=half)
    on_device, on_host, raw, box = both_ways(tmp_path, model, BuildOptions())
    expected = np.empty((91, 150), int)
    for y in range(91):
        for x in range(150):
            row = ((y + .5) * box.scale_y + box.pad_top) * shape[2] / size_wh[1]
            column = ((x + .5) * box.scale_x + box.pad_left) * shape[3] / size_wh[0]
            expected[y, x] = np.argmax(raw[0, :, int(row), int(column)])
    assert len(np.unique(expected)) > 1
    for found in (on_device, on_host):
        np.testing.assert_array_equal(found.classes, raw[0].argmax(0))
        shares = np.exp(raw[0] - raw[0].max(0))
        np.testing.assert_allclose(found.confidence, (shares / shares.sum(0)).max(0), rtol=1e-3)
        np.testing.assert_array_equal(found.in_source_resolution(), expected)
        rows, columns = (
            [index for index in range(length)
             if index + 1 > pad * length / side and index < (pad + size) * length / side]
            for pad, size, side, length in zip(
                (box.pad_top, box.pad_left), box.resized_size_wh[::-1], size_wh[::-1], shape[2:]))
        np.testing.assert_array_equal(found.in_network_resolution(),
                                      found.classes[np.ix_(rows, columns)])


@pytest.mark.parametrize('shape, half', [((1, 7), False), ((1, 4, 8, 8), True)])
def test_raw_tensors_require_the_task_option(tmp_path: Path, shape: tuple[int, ...],
                                             half: bool) -> None:
    model = convolution_model(shape, {}, half=half)
    with pytest.raises(ModelError, match='not known'):
        build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions())
    on_device, on_host, raw, _ = both_ways(tmp_path, model, BuildOptions(task='tensors'))
    for found in (on_device, on_host):
        values, = found.by_name.values()
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, raw, atol=1e-4)


@pytest.mark.parametrize('shape, metadata, labels, match', [
    ((1, 4, 8, 8), {'task': 'classify'}, (), r"'classify'.*\[1, classes\].*\[1, 4, 8, 8\]"),
    ((1, 1), {'task': 'classify'}, (), '2 classes at least'),
    ((1, 4), {'task': 'semantic'}, (), r"'semantic'.*\[1, 4\]"),
    ((1, 1), {'task': 'semantic'}, (), '2 classes at least'),
    ((1, 4), {'task': 'classify'}, ('a', 'b'), '2 labels are given, but the head has 4'),
    ((1, 4), {'task': 'classify', 'names': 'nonsense'}, (), 'cannot be read'),
])
def test_head_that_contradicts_its_task_is_refused(
        tmp_path: Path, shape: tuple[int, ...], metadata: dict[str, str],
        labels: tuple[str, ...], match: str) -> None:
    path = save(convolution_model(shape, metadata), tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match=match):
        build_in_memory(path, BuildOptions(labels=labels))


def test_unknown_task_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="task is 'paint', expected one of detect"):
        BuildOptions(task='paint')
