# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""TensorRT engines: what is rejected on loading, dynamic shapes, headers and caches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
import json
from pathlib import Path

import pytest
from support.engines import (difference_from_host, echo_model, open_tensorrt, padded_frame,
                             THRESHOLDS)
from support.frames import noise_frame
from support.gpu import GPU_MARKS, raw_engine

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EngineError, ManifestError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_engine, Placement

pytestmark = GPU_MARKS


def test_corrupt_plan_is_rejected(gpu_engine: Path) -> None:
    plan, manifest = read_engine(gpu_engine)
    for broken in (plan[:len(plan) // 2], b'\0' * 1000, plan[:64] + bytes(len(plan) - 64)):
        with pytest.raises(EngineError, match='cannot load this engine: .*rebuild'):
            open_tensorrt(broken, manifest)


def test_engine_for_another_gpu_is_rejected(gpu_engine: Path) -> None:
    plan, manifest = read_engine(gpu_engine)
    with pytest.raises(EngineError, match='compute capability 5.2, but .* has .*rebuild'):
        open_engine(plan, replace(manifest, target={'compute_capabilities': ['5.2']}))
    with pytest.raises(EngineError, match='there is none with the number 63|number 63 here'):
        open_engine(plan, manifest, placement=Placement(63))
    with pytest.raises(EngineError, match='built for the GPU'):
        open_engine(plan, manifest, placement=Placement(dla_core=0))


def test_manifest_with_other_tensors_is_rejected(gpu_engine: Path) -> None:
    plan, manifest = read_engine(gpu_engine)
    other = tuple(replace(spec, name=f'{spec.name}_2') for spec in manifest.outputs)
    with pytest.raises(ManifestError, match="'yolo_dense' needs the outputs output0"):
        open_tensorrt(plan, replace(manifest, outputs=other))
    # As plain tensors, which may have any name and shape, the engine itself is asked.
    manifest = replace(manifest, task='tensors', head='tensors', decoder='tensors')
    output = manifest.outputs[0]
    with pytest.raises(EngineError, match='has the outputs .* names'):
        open_tensorrt(plan, replace(manifest, outputs=other))
    with pytest.raises(EngineError, match='but its manifest states'):
        open_tensorrt(plan, replace(manifest, outputs=(
            replace(output, shape=(*output.shape[:-1], 7)), *manifest.outputs[1:])))


def test_dynamic_shapes_select_a_profile(gpu_manifest: EngineManifest) -> None:
    profiles = [{'images': ((1, 3, 32, 32), (1, 3, 64, 96), (1, 3, 128, 128))},
                {'images': ((1, 3, 256, 256), (1, 3, 256, 256), (1, 3, 256, 320))}]
    plan, echo = raw_engine(echo_model(('width', 'height')), gpu_manifest, (96, 64), profiles)
    for size_wh in ((96, 64), (320, 256)):
        image_input = ImageInput(size_wh)
        with open_tensorrt(plan, replace(echo, input_kinds=(image_input,))) as runtime:
            frame = padded_frame('bgr8', (160, 90))
            assert difference_from_host(runtime, frame, image_input).max() * 255 <= 1.001
    with pytest.raises(EngineError, match=r'needs the shape \[1, 3, 200, 200\], but the engine '
                                          r'accepts \[1, 3, 32, 32\] to .* or \[1, 3, 256, 256\]'):
        open_tensorrt(plan, replace(echo, input_kinds=(ImageInput((200, 200)),)))


def test_ultralytics_header_is_skipped(gpu_engine: Path) -> None:
    plan, manifest = read_engine(gpu_engine)
    header = json.dumps({'names': {0: 'car'}, 'stride': 32}).encode()
    with open_tensorrt(len(header).to_bytes(4, 'little') + header + plan, manifest) as runtime:
        detect(runtime, noise_frame(), THRESHOLDS)


def test_second_start_compiles_nothing(
        gpu_engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    plan, manifest = read_engine(gpu_engine)

    def cache_files() -> Iterator[tuple[str, int]]:
        for path in sorted(tmp_path.rglob('*.*')):
            yield path.name, path.stat().st_mtime_ns
    open_tensorrt(plan, manifest).close()
    first = list(cache_files())
    assert first
    open_tensorrt(plan, manifest).close()
    assert list(cache_files()) == first
