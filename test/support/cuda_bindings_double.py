# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A double of cuda-bindings: graphs, events and NVRTC, on the GPU of `cuda_double`."""

from __future__ import annotations

from enum import IntEnum
from types import ModuleType, SimpleNamespace
from typing import Any

from support.cuda_double import Event, Gpu


class CUresult(IntEnum):
    """Results of the driver."""

    CUDA_SUCCESS = 0
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900


OK = (CUresult.CUDA_SUCCESS,)


def driver_double(gpu: Gpu) -> Any:
    """Return `cuda.bindings.driver`; `refuse_capture` of it lets captures fail."""
    module: Any = ModuleType('cuda.bindings.driver')
    module.refuse_capture, module.CUresult = False, CUresult
    module.graphs = 0

    def mark(event: Any, stream: Any, flags: int) -> tuple[Any, ...]:
        gpu.streams[stream.handle].queue(event.record)
        return OK

    def begin(stream: Any, mode: Any) -> tuple[Any, ...]:
        if module.refuse_capture:
            return (CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,)
        gpu.streams[stream.handle].captured = []
        return OK

    def end(stream: Any) -> tuple[Any, ...]:
        own = gpu.streams[stream.handle]
        work, own.captured = own.captured, None
        return *OK, work

    def instantiate(graph: Any, flags: int) -> tuple[Any, ...]:
        module.graphs += 1
        return *OK, graph

    def launch(graph: Any, stream: Any) -> tuple[Any, ...]:
        gpu.check()
        for work in graph:
            work()
        return OK

    def destroy(graph: Any) -> tuple[Any, ...]:
        module.graphs -= 1
        return OK
    module.CUstream = lambda handle: SimpleNamespace(handle=handle)
    module.CUstreamAttrValue = SimpleNamespace
    module.CUstreamAttrID = SimpleNamespace(CU_LAUNCH_ATTRIBUTE_PRIORITY=8)
    module.CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL=1)
    module.cuCtxGetStreamPriorityRange = lambda: (*OK, 0, -5)
    module.cuStreamSetAttribute = lambda stream, name, value: OK
    module.cuEventCreate = lambda flags: (*OK, Event(gpu))
    module.cuEventDestroy = lambda event: OK
    module.cuEventElapsedTime = lambda start, stop: (*OK, start.time_till(stop))
    module.cuEventRecordWithFlags = mark
    module.cuStreamBeginCapture, module.cuStreamEndCapture = begin, end
    module.cuGraphInstantiate, module.cuGraphLaunch = instantiate, launch
    module.cuGraphDestroy = lambda graph: OK
    module.cuGraphExecDestroy, module.cuGraphUpload = destroy, lambda graph, stream: OK
    return module


def nvrtc_double() -> Any:
    """Return `cuda.bindings.nvrtc`, whose machine code is the source."""
    module: Any = ModuleType('cuda.bindings.nvrtc')
    module.nvrtcResult = SimpleNamespace(NVRTC_SUCCESS=0)
    module.nvrtcVersion = lambda: (0, 13, 0)
    module.nvrtcCreateProgram = lambda source, *rest: (0, [source])
    module.nvrtcCompileProgram = lambda program, count, options: (0,)
    module.nvrtcGetCUBINSize = lambda program: (0, len(program[0]))
    module.nvrtcGetCUBIN = lambda program, code: (0,)
    module.nvrtcDestroyProgram = lambda program: (0,)
    return module
