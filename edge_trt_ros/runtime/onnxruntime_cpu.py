# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""ONNX Runtime on the CPU: the default on machines without a GPU or TensorRT."""

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
from edge_trt_ros.runtime.batches import submit_one
from edge_trt_ros.runtime.contract import Answers, Asked, Ticket
from edge_trt_ros.runtime.decoding import decoder_of
from edge_trt_ros.runtime.host_states import HostStates
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

VERSION = str(onnxruntime.__version__)
# An engine in memory may name weights in other files. ONNX Runtime would search for them from the
# working directory on, and so publish any file: let it search where no file can be.
NO_FILES = ('session.model_external_initializers_file_folder_path', '/dev/null')
_DTYPES = {'tensor(float)': 'float32', 'tensor(float16)': 'float16', 'tensor(uint8)': 'uint8',
           'tensor(int8)': 'int8', 'tensor(int32)': 'int32', 'tensor(int64)': 'int64',
           'tensor(bool)': 'bool', 'tensor(bfloat16)': 'bfloat16'}


class OnnxRuntimeCpu:
    """
    An ONNX network in this process (see `runtime.contract.Runtime`).

    A worker thread runs the samples in the order of submission, while the caller prepares the
    next sample.

    :param engine: bytes of the ONNX file.
    :param manifest: manifest of the engine; the bytes were checked against it when they were read.
    :param threads: threads of the network; 0 uses half of the cores.
    :param all_outputs: whether `collect` also returns the outputs that are states.
    :raises EngineError: if ONNX Runtime cannot load the engine, or it differs from the manifest.
    """

    slots = 2
    max_batch = 1

    def __init__(self, engine: bytes, manifest: EngineManifest, threads: int = 0,
                 all_outputs: bool = False) -> None:
        self.manifest = manifest
        self.decode = decoder_of(manifest)
        threads = threads or _half_of_the_cores()
        self.device_name = f'CPU, {threads} thread(s)'
        self._preprocess = host_preprocess(manifest.input_kinds)
        try:
            self._session: Any = onnxruntime.InferenceSession(
                engine, _session_options(threads), providers=['CPUExecutionProvider'])
        except Exception as error:  # ONNX Runtime raises a different class for each error code
            raise EngineError(f'ONNX Runtime {VERSION} cannot load this engine: '
                              f'{first_line(error)}') from error
        _check_tensors('inputs', manifest.inputs, self._session.get_inputs())
        _check_tensors('outputs', manifest.outputs, self._session.get_outputs())
        self._output_names = [output.name for output in manifest.outputs]
        self._returned = self._output_names if all_outputs else list(manifest.results)
        self._states = HostStates(manifest.states)
        # The worker runs one sample after the other, so that the slots share the states.
        self._tensors = [{spec.name: np.empty(manifest.input_shape(spec.name), spec.dtype)
                          for spec in manifest.inputs} | self._states.tensors
                         for _ in range(self.slots)]
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='onnxruntime')

    def submit(self, sample: Sample, thresholds: Thresholds = Thresholds(), *, slot: int = 0
               ) -> Ticket:
        """See `Runtime.submit`."""
        letterbox = self._preprocess.fit(sample)
        return Ticket(slot, letterbox, thresholds,
                      self._thread.submit(self._run, sample, letterbox, slot))

    def submit_batch(self, asked: Sequence[Asked], *, slot: int = 0) -> Answers:
        """See `Runtime.submit_batch`."""
        return submit_one(self.submit, asked, slot)

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        """See `Runtime.collect`."""
        outputs, _ = _result(ticket)
        return outputs

    def reset_state(self) -> None:
        """See `Runtime.reset_state`."""
        self._thread.submit(self._states.reset).result()

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
        # Not left to the garbage collector: the session holds the weights and the engine's bytes.
        self._session, self._tensors = None, []

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
            outputs = dict(zip(self._output_names,
                               self._session.run(self._output_names, tensors)))
        except Exception as error:  # ONNX Runtime raises a different class for each error code
            raise EngineError(f'ONNX Runtime failed on a sample: {error}') from error
        finished = perf_counter()
        self._states.advance(outputs)
        return ({name: outputs[name] for name in self._returned},
                {'preprocess': (preprocessed - started) * 1e3,
                 'network': (finished - preprocessed) * 1e3})


def _half_of_the_cores() -> int:
    # The rest of the robot uses the other half, and with hyper-threading a
    # second thread per physical core makes inference slower.
    return max(1, len(os.sched_getaffinity(0)) // 2)


def _session_options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # By default the threads spin between frames, which starves the executor on a small machine.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.add_session_config_entry('session.inter_op.allow_spinning', '0')
    options.add_session_config_entry(*NO_FILES)
    options.log_severity_level = 3
    return options


def _result(ticket: Ticket) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
    future: Future[tuple[dict[str, NDArray[Any]], dict[str, float]]] = ticket.handle
    return future.result()


def _check_tensors(kind: str, stated: Sequence[TensorSpec], found: Sequence[Any]) -> None:
    shapes = {tensor.name: tuple(length if isinstance(length, int) else -1
                                 for length in tensor.shape) for tensor in found}
    dtypes = {tensor.name: _DTYPES.get(tensor.type, tensor.type) for tensor in found}
    if [spec.name for spec in stated] != list(shapes):
        raise EngineError(f'the engine has the {kind} {list(shapes)}, but its manifest names '
                          f'{[spec.name for spec in stated]}: {REBUILD}')
    for spec in stated:
        shape = shapes[spec.name]
        fits = len(shape) == len(spec.shape) and all(
            have in (-1, want) or want == -1 for have, want in zip(shape, spec.shape))
        if not fits or dtypes[spec.name] != spec.dtype:
            raise EngineError(f"the engine's tensor '{spec.name}' is {dtypes[spec.name]}"
                              f'{list(shape)}, but its manifest states {spec}: {REBUILD}')
