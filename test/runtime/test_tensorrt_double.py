# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The double of TensorRT refuses what the version does not have, and records what it gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import sys
from typing import Any

import pytest
from support.tensorrt_double.builds import BUILDS
from support.tensorrt_double.double import Double
from support.tensorrt_double.machine import machine_with, VERSIONS
from support.tensorrt_double.runs import RUNS


@pytest.fixture(params=VERSIONS)
def double(request: pytest.FixtureRequest) -> Double:
    return Double(request.param, {**BUILDS, **RUNS})


@pytest.fixture
def logger(double: Double) -> Any:
    class Logger(double.module.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            double.module.ILogger.__init__(self)
            self.lines: list[str] = []

        def log(self, severity: Any, text: str) -> None:
            self.lines.append(text)
    return Logger()


def test_only_names_of_the_version_exist(double: Double) -> None:
    trt, is_ten = double.module, double.version.startswith('10')
    for name in ('FP16', 'INT8', 'BF16'):
        assert hasattr(trt.BuilderFlag, name) == is_ten
    assert hasattr(trt.NetworkDefinitionCreationFlag, 'EXPLICIT_BATCH') == is_ten
    assert hasattr(trt.ICudaEngine, 'create_runtime_config') == (double.version != '10.3.0')
    for name in ('ComputeCapability', 'IRuntimeCache', 'Nonsense'):
        with pytest.raises(AttributeError):
            getattr(trt, name)
    assert int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED) == int(is_ten)


def test_wrong_arguments_are_refused(double: Double, logger: Any) -> None:
    trt = double.module
    builder = trt.Builder(logger)
    config = builder.create_builder_config()
    for wrong in (lambda: trt.Builder('logger'), lambda: trt.Builder(),
                  lambda: builder.create_network(0, 1), lambda: builder.create_network(flag=1),
                  lambda: builder.create_network('0'), lambda: config.set_flag(3),
                  lambda: config.set_memory_pool_limit(trt.BuilderFlag.DEBUG, 1),
                  lambda: trt.OnnxParser(builder, logger),
                  lambda: trt.OnnxParser(builder.create_network(), logger).parse('text'),
                  lambda: trt.IBuilderConfig()):
        with pytest.raises(TypeError):
            wrong()


def test_attributes_are_those_of_the_version(double: Double, logger: Any) -> None:
    trt = double.module
    config = trt.Builder(logger).create_builder_config()
    with pytest.raises(AttributeError):
        config.max_workspace_size = 1
    with pytest.raises(AttributeError):
        config.num_optimization_profiles = 1
    with pytest.raises(TypeError):
        config.profiling_verbosity = 2
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    assert double.of('IBuilderConfig.profiling_verbosity') == [(trt.ProfilingVerbosity.DETAILED,)]
    with pytest.raises(NotImplementedError, match='IBuilderConfig.DLA_core'):
        config.DLA_core
    with pytest.raises(NotImplementedError, match='Builder.reset'):
        trt.Builder(logger).reset()


def test_cuda_that_does_not_fit_ends_as_in_pybind11(double: Double, logger: Any) -> None:
    double.cuda_error = 35
    for kind in (double.module.Builder, double.module.Runtime):
        with pytest.raises(TypeError, match='factory function returned nullptr'):
            kind(logger)
    assert 'CUDA initialization failure with error: 35' in logger.lines[0]


def test_every_behaviour_belongs_to_a_version() -> None:
    doubles = [Double(version, {}) for version in VERSIONS]
    for name in (*BUILDS, *RUNS):
        assert any(double.has(name) for double in doubles), name


def test_release_is_recorded(double: Double, logger: Any) -> None:
    runtime = double.module.Runtime(logger)
    assert double.released == []
    del runtime
    assert double.released == ['Runtime']


@pytest.fixture
def modules() -> Iterator[dict[str, Any]]:
    before = dict(sys.modules)
    yield before
    assert {name: id(module) for name, module in sys.modules.items() if name in before} == {
        name: id(module) for name, module in before.items()}


def test_machine_leaves_the_process_as_it_was(modules: dict[str, Any], tmp_path: Path) -> None:
    from edge_trt_ros.runtime.tensorrt.device import find_gpu
    before = find_gpu()
    with machine_with(VERSIONS[0], tmp_path):
        gpu = find_gpu()
        assert gpu is not None and (gpu.name, gpu.compute_capability, gpu.driver) == (
            'Orin', '8.7', '12.6')
        assert gpu.is_integrated and find_gpu(1) is None
        from edge_trt_ros.runtime.tensorrt import engine
        assert engine.__name__ in sys.modules and 'pycuda.driver' in sys.modules
    assert find_gpu() == before
    assert ('pycuda.driver' in sys.modules) == ('pycuda.driver' in modules)
