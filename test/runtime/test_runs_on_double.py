# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What reaches TensorRT 10 and 11 when an engine runs, on doubles of the library and of CUDA."""

from __future__ import annotations

from dataclasses import replace
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.engines import (difference_from_host, echo_model, open_tensorrt, padded_frame,
                             THRESHOLDS)
from support.frames import noise_frame
from support.gpu import raw_engine
from support.host_kernel import HAS_COMPILER
from support.models import dense_model, save
from support.tensorrt_double.machine import Machine, machine_with
from support.tensorrt_double.plans import edited, read_plan

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.tensorrt.builder import engine_from_onnx
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_engine, Placement
from edge_trt_ros.runtime.tensorrt.library import load_tensorrt, TENSORRT_NAMES

Echo = tuple[bytes, EngineManifest]
needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason='needs a C++ compiler')


def with_options(manifest: EngineManifest, **options: Any) -> EngineManifest:
    return replace(manifest, plan={**manifest.plan, 'options': {
        **manifest.plan['options'], **options}})


@needs_compiler
@pytest.mark.parametrize('use_graph', [True, False])
@pytest.mark.parametrize('dtype', ['float32', 'float16', 'uint8'])
def test_pixels_pass_through(machine: Machine, like: EngineManifest, dtype: str, use_graph: bool
                             ) -> None:
    scale = 1.0 if dtype == 'uint8' else 1 / 255
    engine, manifest = raw_engine(echo_model((96, 64), dtype), like, (96, 64), scale=scale)
    image_input = ImageInput((96, 64), scale=scale)
    with open_tensorrt(engine, manifest, use_graph=use_graph) as runtime:
        for size_wh in ((160, 90), (33, 7), (160, 90)):
            difference = difference_from_host(runtime, padded_frame('bgr8', size_wh), image_input)
            assert difference.max() / scale <= 1.5
        assert runtime.why_no_graph == ('' if use_graph else 'not asked for')
        assert runtime.upload.startswith('images are uploaded mapped')
        assert 'layer 0' in runtime.layers()
        assert runtime.memory_mb()['gpu_memory_total_mb'] > 8000


@pytest.mark.parametrize('dtype', ['float32', 'float16', 'bfloat16', 'int64'])
def test_tensors_of_every_type(machine: Machine, like: EngineManifest, dtype: str) -> None:
    engine, manifest = raw_engine(echo_model((96, 64), output=dtype), like, (96, 64))
    assert manifest.outputs[0].dtype == dtype
    with open_tensorrt(engine, manifest) as runtime:
        ticket = runtime.submit(noise_frame())
        found = runtime.collect(ticket)['echo']
        assert found.dtype == ('float32' if dtype == 'bfloat16' else dtype)
        assert runtime.stage_times_ms(ticket)['gpu'] > 0


def test_addresses_and_order_of_release(machine: Machine, echo: Echo) -> None:
    with open_tensorrt(*echo) as runtime:
        for slot in (0, 1):
            runtime.collect(runtime.submit(noise_frame(), slot=slot))
        bound = machine.tensorrt.of('IExecutionContext.set_tensor_address')
        assert {name for name, _ in bound} == {'images', 'echo'}
        for name, address in bound:
            assert address % 256 == 0
            machine.gpu.find(address, 4 * 3 * 96 * 64)
        # Two slots share the tensors that the host does not see.
        assert [len({address for name, address in bound if name == tensor})
                for tensor in ('images', 'echo')] == [1, 2]
        streams = {stream for stream, in machine.tensorrt.of('IExecutionContext.execute_async_v3')}
        assert len(streams) == 1 and streams < set(machine.gpu.streams)
        machine.tensorrt.released.clear()
    assert [name for name in machine.tensorrt.released if name in (
        'IExecutionContext', 'ICudaEngine', 'Runtime')] == [
            'IExecutionContext', 'ICudaEngine', 'Runtime']


def test_runtime_config_only_where_it_exists(machine: Machine, echo: Echo) -> None:
    open_tensorrt(*echo).close()
    asked = machine.tensorrt.of('ICudaEngine.create_runtime_config')
    assert bool(asked) == machine.tensorrt.has('ICudaEngine.create_runtime_config')
    assert len(machine.tensorrt.of('ICudaEngine.create_execution_context')) == 1


@needs_compiler
def test_profiles_are_selected_by_the_size(machine: Machine, like: EngineManifest) -> None:
    profiles = [{'images': ((1, 3, 32, 32), (1, 3, 64, 96), (1, 3, 128, 128))},
                {'images': ((1, 3, 256, 256), (1, 3, 256, 256), (1, 3, 256, 320))}]
    engine, manifest = raw_engine(echo_model(('width', 'height')), like, (96, 64), profiles)
    for size_wh, index in (((96, 64), 0), ((320, 256), 1)):
        image_input = ImageInput(size_wh)
        with open_tensorrt(engine, replace(manifest, input_kinds=(image_input,))) as runtime:
            frame = padded_frame('bgr8', (160, 90))
            assert difference_from_host(runtime, frame, image_input).max() * 255 <= 1.001
        assert machine.tensorrt.of('IExecutionContext.set_optimization_profile_async') == [
            (1, 0)] * index
        assert machine.tensorrt.of('IExecutionContext.set_input_shape')[-1] == (
            'images', (1, 3, *size_wh[::-1]))
    with pytest.raises(EngineError, match=r'needs the shape \[1, 3, 200, 200\], but the engine '
                                          r'accepts \[1, 3, 32, 32\] to .* or \[1, 3, 256, 256\]'):
        open_tensorrt(engine, replace(manifest, input_kinds=(ImageInput((200, 200)),)))


def test_header_of_ultralytics_is_skipped(machine: Machine, echo: Echo) -> None:
    header = json.dumps({'names': {0: 'car'}, 'stride': 32}).encode()
    open_tensorrt(len(header).to_bytes(4, 'little') + header + echo[0], echo[1]).close()
    (given,), = machine.tensorrt.of('Runtime.deserialize_cuda_engine')
    assert given == echo[0]


def test_engine_of_10_runs_on_11_if_version_compatible(
        machine: Machine, like: EngineManifest, tmp_path: Path) -> None:
    with machine_with('10.3.0', tmp_path, has_pycuda=False) as ten:
        engine, manifest = raw_engine(echo_model((96, 64)), like, (96, 64))
        assert manifest.backend_version == ten.tensorrt.version
    compatible = with_options(manifest, version_compatible=True)
    open_tensorrt(edited(engine, compatible=True), compatible).close()
    assert machine.tensorrt.of('Runtime.engine_host_code_allowed') == [(True,)]
    if machine.tensorrt.version == '10.3.0':
        return
    with pytest.raises(EngineError, match=rf'built with tensorrt 10.3.0, but '
                       rf'{machine.tensorrt.version} is installed.*rebuild it with') as refused:
        open_tensorrt(engine, manifest)
    assert refused.value.code == 'engine_version'
    # A manifest that says otherwise does not help: the library refuses it, too.
    forged = replace(manifest, backend_version=machine.tensorrt.version)
    with pytest.raises(EngineError, match='cannot load this engine: .*not compatible with this '
                       'version'):
        open_tensorrt(engine, forged)


def test_dla_core_reaches_the_library(machine: Machine, echo: Echo) -> None:
    engine, manifest = edited(echo[0], dla=True), with_options(echo[1], dla=True)
    for given, core in ((-1, 0), (1, 1)):
        open_tensorrt(engine, manifest, dla_core=given).close()
        assert machine.tensorrt.of('Runtime.DLA_core')[-1] == (core,)
    for cores, given in ((2, 2), (0, -1)):
        machine.tensorrt.dla_cores = cores
        with pytest.raises(EngineError, match=rf'needs DLA core {max(given, 0)}, but tensorrt '
                           rf'{machine.tensorrt.version} finds {cores} DLA cores') as refused:
            open_tensorrt(engine, manifest, dla_core=given)
        assert refused.value.code == 'dla_missing'
    with pytest.raises(EngineError, match='dla_core is 0, but the engine is built for the GPU'):
        open_tensorrt(*echo, dla_core=0)


def test_log_lines_reach_pythons_log(machine: Machine, echo: Echo,
                                     caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    from edge_trt_ros.runtime.tensorrt.library import (complaints, error_recorder,
                                                       library_logger)
    library = load_tensorrt('tensorrt')
    logger, severity = library_logger(library), library.module.ILogger.Severity
    for name in ('INTERNAL_ERROR', 'ERROR', 'WARNING', 'INFO', 'VERBOSE'):
        logger.log(severity[name], f' {name} line\n')
    assert complaints(library) == 'INTERNAL_ERROR line; ERROR line'
    assert {'VERBOSE line', 'INFO line'} <= set(caplog.messages)
    recorder, code = error_recorder(library), library.module.ErrorCodeTRT.INVALID_STATE
    recorder.report_error(code, 'first')
    assert (recorder.num_errors(), recorder.get_error_code(0), recorder.get_error_desc(0),
            recorder.has_overflowed()) == (1, code, 'first', False)
    recorder.clear()
    assert recorder.text() == ''


@pytest.mark.parametrize('precision', ['fp32', 'fp16', 'bf16', 'int8'])
def test_every_precision_runs(machine: Machine, precision: str, tmp_path: Path) -> None:
    images = Path(__file__).resolve().parents[2] / 'doc' / 'images'
    with machine_with(machine.tensorrt.version, tmp_path, has_pycuda=False):
        build_engine(save(dense_model((96, 64), weight=1.0), tmp_path / 'm.onnx'),
                     tmp_path / 'm.engine', BuildOptions(
                         backend='tensorrt', precision=precision, calibration=str(images)))
    with open_engine(*read_engine(tmp_path / 'm.engine')).runtime as runtime:
        for slot in (0, 1, 0):
            detect(runtime, noise_frame(), THRESHOLDS, slot=slot)
    assert machine.tensorrt.of('IExecutionContext.execute_async_v3')


def test_hardware_compatible_engine_runs_on_later_gpus(
        machine: Machine, like: EngineManifest, tmp_path: Path) -> None:
    version = machine.tensorrt.version
    with machine_with(version, tmp_path, name='A100', capability=(8, 0), shares_memory=False,
                      has_pycuda=False):
        built = engine_from_onnx(echo_model((96, 64)), BuildOptions(
            backend='tensorrt', hardware_compatible=True), load_tensorrt('tensorrt'))
        engine, manifest = raw_engine(echo_model((96, 64)), like, (96, 64))
    manifest = replace(manifest, target=built.target)
    with machine_with(version, tmp_path, name='RTX 4090', capability=(8, 9),
                      shares_memory=False):
        with open_tensorrt(engine, manifest) as runtime:
            assert 'whole' in runtime.upload or 'halves' in runtime.upload
    with machine_with(version, tmp_path, name='T4', capability=(7, 5), shares_memory=False):
        with pytest.raises(EngineError, match=r'compute capability 8.0\+, but T4 has 7.5'):
            open_tensorrt(engine, manifest)


def test_detector_runs_with_its_kernels(machine: Machine, tmp_path: Path) -> None:
    with machine_with(machine.tensorrt.version, tmp_path, has_pycuda=False):
        build_engine(save(dense_model((96, 64)), tmp_path / 'm.onnx'), tmp_path / 'm.engine',
                     BuildOptions(backend='tensorrt', precision='fp16'))
    engine, manifest = read_engine(tmp_path / 'm.engine')
    found = open_engine(engine, manifest)
    with found.runtime as runtime:
        detections, _ = detect(runtime, noise_frame(), THRESHOLDS)
        assert len(detections) == 0  # the kernels of the double decode nothing
        assert machine.gpu.kernels == ['letterbox', 'decode', 'rank', 'overlap', 'keep']
    assert found.reason.startswith('the engine is built for it; each frame is one CUDA graph; '
                                   'images are uploaded mapped')
    assert found.sensors is not None
    with pytest.raises(EngineError, match='number 5'):
        open_engine(engine, manifest, placement=Placement(5))
    with pytest.raises(EngineError, match='with the number 5 here'):
        open_tensorrt(engine, manifest, device_id=5)


def test_plan_of_the_double_is_read_back(echo: Echo) -> None:
    found = read_plan(echo[0])
    assert found is not None and onnx.load_from_string(found[1]).graph.name == 'echo'
    assert np.frombuffer(echo[0], np.uint8).size == echo[1].engine_size_bytes
    with pytest.raises(ValueError, match='not a plan'):
        edited(b'nothing')
    assert 'tensorrt' in TENSORRT_NAMES
