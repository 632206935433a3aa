# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
A served network with a local engine next to it, for the time in which the server cannot be used.

A sample that the server fails on is run by the local engine at once. The server is used again
after it has been usable for a while without a break; each relapse doubles that time, so that a
server that comes and goes does not take the robot with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

from edge_trt_ros.errors import ConfigurationError, EdgeTrtError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.batches import submit_one
from edge_trt_ros.runtime.contract import Answers, Asked, Runtime, Ticket
from edge_trt_ros.runtime.kserve.problems import ServerError
from edge_trt_ros.runtime.kserve.runtime import KServeRuntime
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks import Result
from edge_trt_ros.vision.thresholds import Thresholds

# Of uninterrupted use before frames go to the server again.
_FIRST_TRIAL_S, _LONGEST_TRIAL_S = 1.0, 60.0
# After this long without a failure, the next one is not a relapse.
_STEADY_S = 60.0
_MAX_NEWS = 32


class _Outputs(dict[str, NDArray[Any]]):
    """Outputs, and the runtime that decodes them."""

    runtime: Runtime


@dataclass
class _Work:
    runtime: Runtime
    ticket: Ticket
    sample: Sample
    thresholds: Thresholds


class WithFallback:
    """
    A runtime that runs samples on a server, or on a local engine (see `Runtime`).

    :param remote: the served network; closed with this runtime.
    :param local: the local engine; closed with this runtime.
    :raises ConfigurationError: if the tasks or labels of the two differ.
    """

    max_batch = 1

    def __init__(self, remote: KServeRuntime, local: Runtime) -> None:
        self._remote, self._local = remote, local
        self.slots = min(remote.slots, local.slots)
        self.switches = 0
        self._news: deque[str] = deque(maxlen=_MAX_NEWS)
        self._trial_s = _FIRST_TRIAL_S
        self._returned = monotonic()
        self._on_server = remote.link.session is not None
        if self._on_server:
            self._check_pair()
        else:
            self._news.append(f'frames go to the local engine: {remote.link.problem}')

    @property
    def on_server(self) -> bool:
        """Whether frames go to the server."""
        return self._on_server

    @property
    def manifest(self) -> EngineManifest:
        """The manifest of the engine that frames go to."""
        return self._active.manifest

    @property
    def device_name(self) -> str:
        """The device that frames go to."""
        return self._active.device_name

    @property
    def problem(self) -> str:
        """Why frames go to the local engine; '' if they go to the server."""
        if self._on_server:
            return ''
        return str(self._remote.link.problem or
                   f'the server is tried for {self._trial_s:g} s before it is used again')

    def news(self) -> list[str]:
        """Return the switches since the last call, as sentences."""
        return [self._news.popleft() for _ in range(len(self._news))]

    def decode(self, outputs: Mapping[str, NDArray[Any]], letterbox: Letterbox,
               thresholds: Thresholds) -> Result:
        """Return the result of the outputs, with the decoder of the runtime that they are of."""
        runtime = outputs.runtime if isinstance(outputs, _Outputs) else self._active
        return runtime.decode(outputs, letterbox, thresholds)

    def submit(self, sample: Sample, thresholds: Thresholds = Thresholds(), *, slot: int = 0
               ) -> Ticket:
        """See `Runtime.submit`."""
        self._try_server()
        if self._on_server:
            try:
                return self._ticket(self._remote, sample, thresholds, slot)
            except ServerError as error:
                self._to_local(error)
        return self._ticket(self._local, sample, thresholds, slot)

    def submit_batch(self, asked: Sequence[Asked], *, slot: int = 0) -> Answers:
        """See `Runtime.submit_batch`."""
        return submit_one(self.submit, asked, slot)

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        """See `Runtime.collect`."""
        work: _Work = ticket.handle
        try:
            found = work.runtime.collect(work.ticket)
        except ServerError as error:
            self._to_local(error)
            work.runtime = self._local
            work.ticket = self._local.submit(work.sample, work.thresholds, slot=ticket.slot)
            found = self._local.collect(work.ticket)
        outputs = _Outputs(found)
        outputs.runtime = work.runtime
        return outputs

    def reset_state(self) -> None:
        """See `Runtime.reset_state`."""
        self._local.reset_state()

    def stage_times_ms(self, ticket: Ticket) -> Mapping[str, float]:
        """See `Runtime.stage_times_ms`."""
        work: _Work = ticket.handle
        return work.runtime.stage_times_ms(work.ticket)

    def memory_mb(self) -> Mapping[str, float]:
        """See `Runtime.memory_mb`."""
        return self._local.memory_mb()

    def close(self) -> None:
        """See `Runtime.close`."""
        self._remote.close()
        self._local.close()

    def __enter__(self) -> WithFallback:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    @property
    def _active(self) -> Runtime:
        return self._remote if self._on_server else self._local

    def _ticket(self, runtime: Runtime, sample: Sample, thresholds: Thresholds, slot: int
                ) -> Ticket:
        ticket = runtime.submit(sample, thresholds, slot=slot)
        return Ticket(slot, ticket.letterbox, thresholds,
                      _Work(runtime, ticket, sample, thresholds))

    def _try_server(self) -> None:
        if self._on_server or self._remote.link.up_s() < self._trial_s:
            return
        try:
            self._check_pair()
        except ConfigurationError as error:
            self._to_local(error)
            self._remote.link.failed(self._remote.link.session, error)
            return
        self._on_server, self._returned = True, monotonic()
        self._switched(f'frames go to the server {self._remote.options.url} again')

    def _to_local(self, error: EdgeTrtError) -> None:
        if not self._on_server:
            return
        self._on_server = False
        lasted_s = monotonic() - self._returned
        self._trial_s = _FIRST_TRIAL_S if lasted_s > _STEADY_S else min(
            2 * self._trial_s, _LONGEST_TRIAL_S) if self.switches else _FIRST_TRIAL_S
        self._switched(f'frames go to the local engine: {error} [{error.code}]')

    def _switched(self, sentence: str) -> None:
        self.switches += 1
        self._news.append(sentence)

    def _check_pair(self) -> None:
        served, local = self._remote.manifest, self._local.manifest
        for name, theirs, ours in (('task', served.task, local.task),
                                   ('labels', served.labels, local.labels)):
            if theirs != ours:
                raise ConfigurationError(
                    f'the {name} of the served engine and of fallback_engine_file_path differ '
                    f'({theirs} and {ours}): build both from networks with the same task and '
                    'labels', code='served_model_differs')
