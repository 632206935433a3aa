# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs a network on a server that speaks the Open Inference Protocol, as a runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

from edge_trt_ros.errors import EdgeTrtError, EngineError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.batches import submit_one
from edge_trt_ros.runtime.contract import Answers, Asked, Ticket
from edge_trt_ros.runtime.decoding import Decode, decoder_of
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.runtime.kserve.link import Link
from edge_trt_ros.runtime.kserve.options import ServerOptions
from edge_trt_ros.runtime.kserve.problems import ServerError
from edge_trt_ros.runtime.kserve.served_model import PIXELS
from edge_trt_ros.runtime.kserve.session import Session
from edge_trt_ros.runtime.preprocess import host_preprocess, Preprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.thresholds import Thresholds


# What passes without anybody's help; another model or a wrong token does not.
_PASSING = ('server_unreachable', 'server_slow', 'server_error')


@dataclass
class _Request:
    session: Session
    answer: Future[Any]
    submitted: float
    preprocess_ms: float
    network_ms: float = 0.0
    outputs: Mapping[str, NDArray[Any]] | None = None


class KServeRuntime:
    """
    A network on a server (see `runtime.contract.Runtime`).

    While the server cannot be used, each sample fails at once and the server is looked for in
    the background.

    :param options: the model on its server.
    :param expected: manifest that the model must have; None takes the manifest of the first
        connection, and keeps to it.
    :param may_wait: whether the server may be missing at first; otherwise that is an error.
    :raises ServerError: if the server or the model cannot be used.
    :ivar link: the way to the server.
    """

    slots = 2
    max_batch = 1

    def __init__(self, options: ServerOptions, expected: EngineManifest | None = None, *,
                 may_wait: bool = False) -> None:
        self.options = options
        self._expected = expected
        self._preprocess: Preprocess | None = None
        self._decode: Decode | None = None
        self.link = Link(self._connected)
        try:
            self.link.open()
        except EdgeTrtError as error:
            if not may_wait or error.code not in _PASSING:
                self.link.close()
                raise
            self.link.failed(None, error)

    @property
    def manifest(self) -> EngineManifest:
        """The manifest of the served engine."""
        if self._expected is None:
            raise self._down()
        return self._expected

    @property
    def decode(self) -> Decode:
        """Turns the outputs into a result, on this host."""
        if self._decode is None:
            raise self._down()
        return self._decode

    @property
    def device_name(self) -> str:
        """The model, its version and the server."""
        session = self.link.session
        version = session.version if session else 'not reached'
        return f'{self.options.name} version {version} on {self.options.url}'

    @property
    def reason(self) -> str:
        """How frames reach the server, for logs and diagnostics."""
        session = self.link.session
        if session is None:
            return str(self._down())
        way = f'copied, since {session.why_copied}' if session.why_copied else (
            'through shared memory')
        what = 'letterboxed pixels' if session.served.sent == PIXELS else 'input tensors'
        return f'asked for; {what} travel {way}'

    def submit(self, sample: Sample, thresholds: Thresholds = Thresholds(), *, slot: int = 0
               ) -> Ticket:
        """See `Runtime.submit`."""
        session, preprocess = self.link.session, self._preprocess
        if session is None or session.buffers is None or preprocess is None:
            raise self._down()
        started = perf_counter()
        letterbox = preprocess.fit(sample)
        tensors = session.buffers.tensors[slot]
        if session.served.sent == PIXELS and isinstance(preprocess, ImagePreprocess):
            preprocess.fill_pixels(sample, letterbox, next(iter(tensors.values()))[0])
        else:
            preprocess.fill(sample, letterbox, tensors)
        filled = perf_counter()
        try:
            answer = session.send(slot)
        except ServerError as error:
            self.link.failed(session, error)
            raise
        return Ticket(slot, letterbox, thresholds, _Request(
            session, answer, filled, (filled - started) * 1e3))

    def submit_batch(self, asked: Sequence[Asked], *, slot: int = 0) -> Answers:
        """See `Runtime.submit_batch`."""
        return submit_one(self.submit, asked, slot)

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        """See `Runtime.collect`."""
        request: _Request = ticket.handle
        if request.outputs is None:
            try:
                request.outputs = request.session.outputs(request.answer)
            except ServerError as error:
                self.link.failed(request.session, error)
                raise
            request.network_ms = (perf_counter() - request.submitted) * 1e3
        return request.outputs

    def reset_state(self) -> None:
        """See `Runtime.reset_state`: a served network has no state."""

    def stage_times_ms(self, ticket: Ticket) -> Mapping[str, float]:
        """See `Runtime.stage_times_ms`; 'network' contains the way to the server and back."""
        request: _Request = ticket.handle
        return {'preprocess': request.preprocess_ms, 'network': request.network_ms}

    def memory_mb(self) -> Mapping[str, float]:
        """See `Runtime.memory_mb`."""
        return {}

    def close(self) -> None:
        """See `Runtime.close`."""
        self.link.close()

    def __enter__(self) -> KServeRuntime:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _connected(self, last: Session | None) -> Session:
        session = Session(self.options, self._expected, self.slots,
                          last.buffers if last else None)
        if self._preprocess is None:
            self._decode = decoder_of(session.manifest)
            self._preprocess = host_preprocess(session.manifest.input_kinds)
            self._expected = session.manifest
        return session

    def _down(self) -> EdgeTrtError:
        problem = self.link.problem
        if problem is None:
            return EngineError('the served engine is closed')
        return ServerError(str(problem), code=problem.code)
