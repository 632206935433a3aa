# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What reaches TensorRT 10 and 11 when an engine is built, on a double of the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.models import dense_model, save
from support.tensorrt_double.machine import Machine, machine_with, VERSIONS
from support.tensorrt_double.plans import read_plan

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.tensorrt.builder import check_parses, engine_from_onnx, SerializedEngine
from edge_trt_ros.errors import (BuildCanceledError, BuildError, ConfigurationError, EngineError,
                                 ModelError)
from edge_trt_ros.runtime.tensorrt.library import load_tensorrt

WEAK_FLAGS = {'FP16', 'BF16', 'INT8', 'FP8', 'INT4'}


@pytest.fixture(params=VERSIONS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    with machine_with(request.param, tmp_path / 'cache', has_pycuda=False) as made:
        yield made


def is_ten(machine: Machine) -> bool:
    return machine.tensorrt.version.startswith('10')


def build(model: onnx.ModelProto = dense_model(), **options: Any) -> SerializedEngine:
    extra = {name: options.pop(name) for name in ('profiles', 'timing_cache_folder', 'progress')
             if name in options}
    return engine_from_onnx(model, BuildOptions(backend='tensorrt', **options),
                            load_tensorrt('tensorrt'), **extra)


def flags(machine: Machine) -> set[str]:
    return {flag.name for flag, in machine.tensorrt.of('IBuilderConfig.set_flag')}


def is_strongly_typed(machine: Machine) -> bool:
    created, = machine.tensorrt.of('Builder.create_network')[-1]  # checks of the parser precede
    strong = machine.tensorrt.module.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    return bool(created == 1 << int(strong))


@pytest.mark.parametrize('precision, kind', [
    ('fp32', 'fp32'), ('fp16', 'fp16'), ('bf16', 'bf16'), ('int8', 'int8')])
def test_every_precision_is_strongly_typed(
        machine: Machine, precision: str, kind: str, tmp_path: Path) -> None:
    images = Path(__file__).resolve().parents[3] / 'doc' / 'images'
    path = save(dense_model((96, 64), weight=1.0), tmp_path / 'm.onnx')
    manifest, _ = build_engine(path, tmp_path / 'm.engine', BuildOptions(
        backend='tensorrt', precision=precision, calibration=str(images)))
    assert is_strongly_typed(machine) and not flags(machine)
    assert manifest.layers['source'] == 'typed network' and kind in manifest.layers['precisions']
    assert (manifest.backend, manifest.backend_version) == ('tensorrt', machine.tensorrt.version)
    assert manifest.target == {'compute_capabilities': ['8.7'], 'gpu': 'Orin', 'driver': '12.6'}
    assert build_engine(path, tmp_path / 'm.engine', BuildOptions(
        backend='tensorrt', precision=precision, calibration=str(images)))[1] == ''


def two_convolutions(precision: str) -> onnx.ModelProto:
    """Return a network in fp16; with int8, the input of its second convolution is quantised."""
    half, weight = TensorProto.FLOAT16, np.ones((3, 3, 1, 1), np.float16)
    stored = {'weight': weight, 'scale': np.float16(0.1), 'zero': np.int8(0)}
    quantised = [helper.make_node('QuantizeLinear', ['first', 'scale', 'zero'], ['q']),
                 helper.make_node('DequantizeLinear', ['q', 'scale', 'zero'], ['dq'])]
    nodes = [helper.make_node('Conv', ['images', 'weight'], ['first']),
             *(quantised if precision == 'int8' else []),
             helper.make_node('Conv', ['dq' if precision == 'int8' else 'first', 'weight'],
                              ['second'])]
    graph = helper.make_graph(nodes, 'two', *(
        [helper.make_tensor_value_info(name, half, [1, 3, 8, 8])] for name in (
            'images', 'second')), [numpy_helper.from_array(np.asarray(value), name)
                                   for name, value in stored.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 19)], ir_version=9)


@pytest.mark.parametrize('precision', ['fp16', 'int8'])
def test_dla_by_flags_in_10_and_by_types_in_11(machine: Machine, precision: str) -> None:
    engine = build(two_convolutions(precision), precision=precision, dla=True)
    # By documentation, a DLA runs no layers with Q/DQ nodes before TensorRT 11.
    falls_back = precision == 'int8' and is_ten(machine)
    assert engine.layers['dla'] == {'fp16': '2 of 2', 'int8': '1 of 4' if falls_back else
                                    '2 of 4'}[precision]
    weak = {'fp16': {'FP16'}, 'int8': {'FP16', 'INT8'}}[precision] if is_ten(machine) else set()
    assert flags(machine) == {'GPU_FALLBACK', *weak}
    assert is_strongly_typed(machine) != is_ten(machine)
    kinds = machine.tensorrt.module.DeviceType
    assert machine.tensorrt.of('IBuilderConfig.default_device_type') == [(kinds.DLA,)]


def test_dla_that_would_run_no_layer_is_refused(machine: Machine) -> None:
    model = dense_model()  # in float32, which no DLA computes
    with pytest.raises(ConfigurationError, match=rf'dla is set, but tensorrt '
                       rf'{machine.tensorrt.version} can run none of the .* layers') as refused:
        build(model, precision='fp16', dla=True)
    assert refused.value.code == 'dla_unused'


def test_weak_bf16_gets_its_flag() -> None:
    from edge_trt_ros.convert.tensorrt.dla import weak_flags
    from support.tensorrt_double.double import Double
    module = Double('10.3.0', {}).module
    model = dense_model()
    model.graph.node.append(helper.make_node('Cast', ['output0'], ['low'],
                                             to=onnx.TensorProto.BFLOAT16))
    assert [flag.name for flag in weak_flags(module, model)] == ['BF16']


def test_options_reach_the_library(machine: Machine) -> None:
    engine = build(workspace_mb=64, sparsity=True, version_compatible=True)
    trt = machine.tensorrt.module
    assert machine.tensorrt.of('IBuilderConfig.set_memory_pool_limit') == [
        (trt.MemoryPoolType.WORKSPACE, 64 << 20)]
    assert flags(machine) == {'SPARSE_WEIGHTS', 'VERSION_COMPATIBLE'}
    assert machine.tensorrt.of('IBuilderConfig.profiling_verbosity') == [
        (trt.ProfilingVerbosity.DETAILED,)]
    assert not machine.tensorrt.of('IBuilderConfig.hardware_compatibility_level')
    found = read_plan(engine.data)
    assert found is not None and found[0]['compatible'] and not found[0]['dla']


def test_hardware_compatible_on_a_card_and_not_on_a_jetson(
        machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'hardware_compatible is set, but tensorrt '
                       rf'{machine.tensorrt.version} does not support it on a Jetson \(Orin\)'):
        build(hardware_compatible=True)
    with machine_with(machine.tensorrt.version, tmp_path, name='RTX 4090', capability=(8, 9),
                      shares_memory=False, has_pycuda=False) as other:
        engine = build(hardware_compatible=True)
        level = other.tensorrt.module.HardwareCompatibilityLevel.AMPERE_PLUS
        assert other.tensorrt.of('IBuilderConfig.hardware_compatibility_level') == [(level,)]
        assert engine.target['compute_capabilities'] == ['8.0+']


def test_profiles_of_open_inputs(machine: Machine) -> None:
    model = dense_model(batch='batch')
    shape, large = (1, 3, 64, 64), (4, 3, 64, 64)
    with pytest.raises(ConfigurationError, match='leave dimensions open'):
        build(model)
    with pytest.raises(ConfigurationError, match='does not fit the inputs'):
        build(model, profiles=[{'images': (shape, large, shape)}])
    build(model, profiles=[{'images': (shape, shape, large)}])
    assert machine.tensorrt.of('IOptimizationProfile.set_shape')[-1] == (
        'images', shape, shape, large)
    assert len(machine.tensorrt.of('IBuilderConfig.add_optimization_profile')) == 2


def test_timings_are_kept_for_each_version_and_gpu(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / f'tensorrt_{machine.tensorrt.version}_orin_8_7.timing_cache'
    for _ in range(2):
        build(timing_cache_folder=tmp_path)
    header = f'{machine.tensorrt.version} 8.7;'.encode()
    assert path.read_bytes() == header + b'timed;timed;'
    assert machine.tensorrt.of('IBuilderConfig.create_timing_cache') == [
        (b'',), (header + b'timed;',)]
    path.write_bytes(b'10.0.1 8.7;timed;')  # what another version or GPU left there
    build(timing_cache_folder=tmp_path)
    assert path.read_bytes() == header + b'timed;'
    assert machine.tensorrt.of('IBuilderConfig.create_timing_cache')[2:] == [
        (b'10.0.1 8.7;timed;',), (b'',)]


def test_progress_grows_and_an_exception_stops_the_build(machine: Machine) -> None:
    seen: list[float] = []
    build(progress=lambda phase, fraction: seen.append(fraction))
    assert seen == sorted(seen) and len(seen) == 9 and seen[-1] == 1

    def cancel(phase: str, fraction: float) -> None:
        raise BuildCanceledError('canceled')
    with pytest.raises(BuildCanceledError):
        build(progress=cancel)


def test_refused_nodes_are_named(machine: Machine) -> None:
    model = dense_model()
    model.graph.node[0].domain, model.graph.node[0].name = 'com.somebody', 'pool of magic'
    for call in (lambda: build(model), lambda: check_parses(model, load_tensorrt('tensorrt'))):
        with pytest.raises(ModelError, match=r"node 'pool of magic' \(AveragePool\)") as refused:
            call()
        assert refused.value.code == 'operator_unsupported'
    machine.tensorrt.fail_in = 'parse'
    with pytest.raises(ModelError, match='it logged no reason'):
        build()
    machine.tensorrt.fail_in = ''
    check_parses(dense_model(), load_tensorrt('tensorrt'))


def test_failed_build_reports_the_log(machine: Machine) -> None:
    machine.tensorrt.fail_in = 'build'
    with pytest.raises(BuildError, match=rf'tensorrt {machine.tensorrt.version} did not build the '
                       'engine: .*Could not find any implementation'):
        build()


def test_dla_where_there_is_none(machine: Machine) -> None:
    machine.tensorrt.dla_cores = 0
    with pytest.raises(ConfigurationError, match=rf'dla is set, but tensorrt '
                       rf'{machine.tensorrt.version} finds no DLA core.*10.0 to 10.7.*11.4.1'
                       ) as refused:
        build(precision='fp16', dla=True)
    assert refused.value.code == 'dla_missing'
    with pytest.raises(ConfigurationError, match='a DLA computes in fp16 or int8'):
        build(dla=True)


def test_library_of_another_cuda(machine: Machine) -> None:
    machine.tensorrt.cuda_error = 35
    for call in (build, lambda: check_parses(dense_model(), load_tensorrt('tensorrt'))):
        with pytest.raises(EngineError, match=rf'tensorrt {machine.tensorrt.version} does not '
                           'start here: CUDA initialization failure with error: 35.*`doctor`'
                           ) as refused:
            call()
        assert refused.value.code == 'cuda_mismatch' and '\n' not in str(refused.value)


def test_compute_capabilities_are_those_of_rtx(machine: Machine) -> None:
    with pytest.raises(ConfigurationError, match='builds for the GPU it finds'):
        build(compute_capabilities=('8.6',))
