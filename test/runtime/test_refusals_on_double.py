# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What is refused when TensorRT 10 or 11 fails, on doubles of the library and of CUDA."""

from __future__ import annotations

from dataclasses import replace

from onnx import helper, TensorProto
import pytest
from support.engines import open_tensorrt
from support.frames import noise_frame
from support.gpu import raw_engine
from support.tensorrt_double.machine import Machine
from support.tensorrt_double.plans import edited

from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest

Echo = tuple[bytes, EngineManifest]


def test_bad_plans_are_refused(machine: Machine, echo: Echo) -> None:
    for broken in (echo[0][:100], b'', bytes(1000)):
        with pytest.raises(EngineError, match='cannot load this engine: Serialization assertion '
                           '.*Magic tag does not match.*rebuild'):
            open_tensorrt(broken, echo[1])
    with pytest.raises(EngineError, match='images.* is FLOAT in the format CHW32; supported are'):
        open_tensorrt(edited(echo[0], format='CHW32'), echo[1])
    for change, match in (({'name': 'other'}, "has the outputs .*names .'other'"),
                          ({'dtype': 'float16'}, 'but its manifest states'),
                          ({'shape': (1, 3, 64, 95)}, 'but its manifest states')):
        outputs = (replace(echo[1].outputs[0], **change),)
        with pytest.raises(EngineError, match=match):
            open_tensorrt(echo[0], replace(echo[1], outputs=outputs))


def test_output_that_depends_on_the_image_is_refused(machine: Machine, like: EngineManifest
                                                     ) -> None:
    graph = helper.make_graph(
        [helper.make_node('NonZero', ['images'], ['found'])], 'open',
        [helper.make_tensor_value_info('images', TensorProto.FLOAT, [1, 3, 64, 96])],
        [helper.make_tensor_value_info('found', TensorProto.INT64, [4, 'count'])])
    engine, manifest = raw_engine(helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 19)], ir_version=9), like, (96, 64))
    with pytest.raises(EngineError, match="'found' is .4, -1., which depends on the image"):
        open_tensorrt(engine, manifest)


@pytest.mark.parametrize('place, match', [
    ('context', 'does not fit into the memory of this GPU: CUDA error 2: out of memory'),
    ('run', 'the network cannot be started: launch failed')])
def test_failures_free_everything(machine: Machine, echo: Echo, place: str, match: str) -> None:
    machine.tensorrt.fail_in = place
    with pytest.raises(EngineError, match=match):
        open_tensorrt(*echo)


def test_memory_that_does_not_suffice(machine: Machine, echo: Echo) -> None:
    machine.gpu.free_bytes = 1000
    with pytest.raises(EngineError, match='too little free memory: 0 of 8192 MiB'):
        open_tensorrt(*echo)
    machine.gpu.free_bytes = machine.gpu.total_bytes


def test_unknown_tensor_is_not_bound(machine: Machine, echo: Echo) -> None:
    with open_tensorrt(*echo) as runtime, \
            pytest.raises(EngineError, match="'nonsense' cannot be bound"):
        with runtime._session.current():
            runtime._network.enqueue({'nonsense': 256}, 1, 0)


def test_library_of_another_cuda(machine: Machine, echo: Echo) -> None:
    machine.tensorrt.cuda_error = 35
    with pytest.raises(EngineError, match='does not start here: CUDA initialization failure with '
                       'error: 35') as refused:
        open_tensorrt(*echo)
    assert refused.value.code == 'cuda_mismatch'


def test_capture_that_fails_falls_back_to_launches(
        machine: Machine, echo: Echo, caplog: pytest.LogCaptureFixture) -> None:
    machine.driver.refuse_capture = True
    with open_tensorrt(*echo) as runtime:
        runtime.collect(runtime.submit(noise_frame()))
        assert 'CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED' in runtime.why_no_graph
    assert 'launched call by call' in caplog.text


def test_network_that_cannot_be_captured_falls_back_to_launches(
        machine: Machine, echo: Echo) -> None:
    machine.gpu.refuses_capture = True
    with open_tensorrt(*echo) as runtime:
        for slot in (0, 1, 0):
            runtime.collect(runtime.submit(noise_frame(), slot=slot))
        assert 'not permitted when stream is capturing' in runtime.why_no_graph
        assert all(stream.captured is None for stream in machine.gpu.streams.values())
