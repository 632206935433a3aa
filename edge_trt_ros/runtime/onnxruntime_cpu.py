"""The embedded default: ONNX Runtime on the CPU, where there is no GPU or no TensorRT."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
import os
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime

from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.contract import Frame, Ticket
from edge_trt_ros.runtime.host_preprocess import HostPreprocess
from edge_trt_ros.vision.letterbox import Letterbox

BACKEND = 'onnxruntime'
VERSION = str(onnxruntime.__version__)


class OnnxRuntimeCpu:
    """
    An ONNX network in this process (see `runtime.contract.Runtime`).

    One thread of its own takes the frames in the order of their submission, so that a caller
    may prepare the next one meanwhile.

    :param engine: the ONNX file's bytes.
    :param manifest: what they are; checked before by whoever read the file.
    :raises EngineError: if ONNX Runtime refuses them.
    """

    slots = 2

    def __init__(self, engine: bytes, manifest: EngineManifest) -> None:
        self.manifest = manifest
        self.device_name = f'CPU, {_threads()} thread(s)'
        try:
            self._session = onnxruntime.InferenceSession(
                engine, _session_options(), providers=['CPUExecutionProvider'])
        except Exception as error:  # a class of its own for each error code
            raise EngineError(f'ONNX Runtime {VERSION} cannot load this engine: '
                              f'{str(error).splitlines()[0]}') from error
        image = manifest.inputs[0]
        self._input_name = image.name
        self._output_names = [output.name for output in manifest.outputs]
        found = [output.name for output in self._session.get_outputs()]
        if found != self._output_names:
            raise EngineError(f'the engine has the outputs {found}, but its manifest names '
                              f'{self._output_names}: rebuild it')
        self._preprocess = HostPreprocess(manifest.input_contract)
        self._tensors = [np.empty(image.shape, image.dtype) for _ in range(self.slots)]
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='onnxruntime')

    def submit(self, frame: Frame, *, slot: int = 0) -> Ticket:
        """See `Runtime.submit`."""
        letterbox = self._preprocess.fit(frame)
        return Ticket(slot, letterbox, self._thread.submit(self._run, frame, letterbox, slot))

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        """See `Runtime.collect`."""
        outputs, _ = _result(ticket)
        return outputs

    def stage_times_ms(self, ticket: Ticket) -> Mapping[str, float]:
        """See `Runtime.stage_times_ms`."""
        _, stage_times_ms = _result(ticket)
        return stage_times_ms

    def memory_mb(self) -> Mapping[str, float]:
        """See `Runtime.memory_mb`."""
        return {}

    def close(self) -> None:
        """See `Runtime.close`."""
        self._thread.shutdown()

    def __enter__(self) -> OnnxRuntimeCpu:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _run(self, frame: Frame, letterbox: Letterbox, slot: int
             ) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
        started = perf_counter()
        tensor = self._tensors[slot]
        self._preprocess.fill(frame, letterbox, tensor)
        preprocessed = perf_counter()
        try:
            outputs = self._session.run(self._output_names, {self._input_name: tensor})
        except Exception as error:  # a class of its own for each error code
            raise EngineError(f'ONNX Runtime failed on a frame: {error}') from error
        finished = perf_counter()
        return (dict(zip(self._output_names, outputs)),
                {'preprocess': (preprocessed - started) * 1e3,
                 'network': (finished - preprocessed) * 1e3})


def _threads() -> int:
    # Half of the cores: the others are for the rest of the robot, and where two share their
    # arithmetic units a second thread costs more than it brings.
    return max(1, len(os.sched_getaffinity(0)) // 2)


def _session_options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.inter_op_num_threads = 1
    # Its threads spin between frames by default, which starves the executor on a small machine.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.add_session_config_entry('session.inter_op.allow_spinning', '0')
    options.log_severity_level = 3
    return options


def _result(ticket: Ticket) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
    future: Future[tuple[dict[str, NDArray[Any]], dict[str, float]]] = ticket.handle
    return future.result()
