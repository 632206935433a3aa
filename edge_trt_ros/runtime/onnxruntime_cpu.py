"""The embedded default: ONNX Runtime on the CPU, for machines without a GPU or TensorRT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
import os
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime

from edge_trt_ros.errors import EngineError, first_line
from edge_trt_ros.manifest import EngineManifest, REBUILD
from edge_trt_ros.runtime.contract import Ticket
from edge_trt_ros.runtime.decoding import decoder_of
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.letterbox import Letterbox

VERSION = str(onnxruntime.__version__)
_DTYPES = {'tensor(float)': 'float32', 'tensor(float16)': 'float16', 'tensor(uint8)': 'uint8',
           'tensor(int8)': 'int8', 'tensor(int32)': 'int32', 'tensor(int64)': 'int64',
           'tensor(bool)': 'bool', 'tensor(bfloat16)': 'bfloat16'}


class OnnxRuntimeCpu:
    """
    An ONNX network in this process (see `runtime.contract.Runtime`).

    One thread of its own takes the samples in the order of their submission, so that a caller
    may prepare the next one meanwhile.

    :param engine: the ONNX file's bytes.
    :param manifest: what they are; the bytes were checked against it when the file was read.
    :raises EngineError: if ONNX Runtime refuses them, or they are not what the manifest states.
    """

    slots = 2

    def __init__(self, engine: bytes, manifest: EngineManifest) -> None:
        self.manifest = manifest
        self.decode = decoder_of(manifest)
        self.device_name = f'CPU, {_threads()} thread(s)'
        self._preprocess = host_preprocess(manifest.input_kinds)
        try:
            self._session = onnxruntime.InferenceSession(
                engine, _session_options(), providers=['CPUExecutionProvider'])
        except Exception as error:  # a class of its own for each error code
            raise EngineError(f'ONNX Runtime {VERSION} cannot load this engine: '
                              f'{first_line(error)}') from error
        _check_tensors('inputs', manifest.inputs, self._session.get_inputs())
        _check_tensors('outputs', manifest.outputs, self._session.get_outputs())
        self._output_names = [output.name for output in manifest.outputs]
        self._tensors = [{one.name: np.empty(manifest.input_shape(one.name), one.dtype)
                          for one in manifest.inputs} for _ in range(self.slots)]
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='onnxruntime')

    def submit(self, sample: Sample, *, slot: int = 0) -> Ticket:
        """See `Runtime.submit`."""
        letterbox = self._preprocess.fit(sample)
        return Ticket(slot, letterbox, self._thread.submit(self._run, sample, letterbox, slot))

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

    def _run(self, sample: Sample, letterbox: Letterbox, slot: int
             ) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
        started = perf_counter()
        tensors = self._tensors[slot]
        self._preprocess.fill(sample, letterbox, tensors)
        preprocessed = perf_counter()
        try:
            outputs = self._session.run(self._output_names, tensors)
        except Exception as error:  # a class of its own for each error code
            raise EngineError(f'ONNX Runtime failed on a sample: {error}') from error
        finished = perf_counter()
        return (dict(zip(self._output_names, outputs)),
                {'preprocess': (preprocessed - started) * 1e3,
                 'network': (finished - preprocessed) * 1e3})


def _threads() -> int:
    # Half of the cores: the others are for the rest of the robot, and if two cores share their
    # arithmetic units, a second thread costs more than it brings.
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


def _check_tensors(kind: str, stated: Sequence[TensorSpec], found: Sequence[Any]) -> None:
    shapes = {one.name: tuple(length if isinstance(length, int) else -1 for length in one.shape)
              for one in found}
    dtypes = {one.name: _DTYPES.get(one.type, one.type) for one in found}
    if [one.name for one in stated] != list(shapes):
        raise EngineError(f'the engine has the {kind} {list(shapes)}, but its manifest names '
                          f'{[one.name for one in stated]}: {REBUILD}')
    for one in stated:
        shape = shapes[one.name]
        fits = len(shape) == len(one.shape) and all(
            have in (-1, want) or want == -1 for have, want in zip(shape, one.shape))
        if not fits or dtypes[one.name] != one.dtype:
            raise EngineError(f"the engine's tensor '{one.name}' is {dtypes[one.name]}"
                              f'{list(shape)}, but its manifest states {one}: {REBUILD}')
