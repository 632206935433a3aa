# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The engine of the tests on a GPU, and doubles of machines with TensorRT 10 and 11."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.engines import echo_model
from support.gpu import built, manifest_of, raw_engine
from support.models import dense_model, save
from support.tensorrt_double.machine import Machine, machine_with, VERSIONS

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.manifest import EngineManifest


@pytest.fixture(scope='session')
def gpu_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an engine of a small detector for this GPU, built once for all files."""
    return built(dense_model((96, 64)), tmp_path_factory.mktemp('gpu_engine'))


@pytest.fixture(scope='session')
def gpu_batch_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same engine for batches of up to 8 images."""
    return built(dense_model((96, 64)), tmp_path_factory.mktemp('gpu_batch_engine'), max_batch=8)


@pytest.fixture(scope='session')
def gpu_manifest(gpu_engine: Path) -> EngineManifest:
    """Return the manifest of that engine."""
    return manifest_of(gpu_engine)


@pytest.fixture(scope='session')
def like(tmp_path_factory: pytest.TempPathFactory) -> EngineManifest:
    """Return the manifest of a detector for the CPU."""
    folder = tmp_path_factory.mktemp('like')
    return build_engine(save(dense_model((96, 64)), folder / 'm.onnx'), folder / 'm.engine',
                        BuildOptions(backend='onnxruntime'))[0]


@pytest.fixture(params=VERSIONS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """Replace TensorRT and CUDA by doubles; check that all memory is freed."""
    with machine_with(request.param, tmp_path) as made:
        yield made
        assert not made.gpu.blocks, 'memory is not freed'
        assert made.gpu.depth == 0 and made.driver.graphs == 0


@pytest.fixture
def echo(machine: Machine, like: EngineManifest) -> tuple[bytes, EngineManifest]:
    """Return an engine of the double that returns its input, and its manifest."""
    return raw_engine(echo_model((96, 64)), like, (96, 64))
