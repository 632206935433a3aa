# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
A queue of builds that run one at a time, in the order of the requests.

A state machine without threads and without ROS: its owner calls `turn`, hooks report events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edge_trt_ros.convert.build_job import BuildOutcome
from edge_trt_ros.errors import BuildCanceledError, ConfigurationError

Ending = BuildOutcome | Exception


class Job(Protocol):
    """A build in the background (`convert.build_job.BuildJob`)."""

    phase: str
    fraction: float

    @property
    def seconds(self) -> float:
        """How long it has been running."""

    def poll(self) -> BuildOutcome | None:
        """Return the outcome once it has ended; raise the error if it failed."""

    def cancel(self) -> None:
        """Ask it to end."""

    def close(self) -> None:
        """Kill it if it still runs."""


@dataclass(frozen=True)
class BuildState:
    """
    The state of a model in the queue.

    :param state: 'building', 'queued', 'failed' (its last build) or 'idle'.
    :param phase: current phase of its build.
    :param fraction: fraction of its build that is done, 0 to 1.
    :param seconds: how long its build has been running.
    :param error: the error of its last build.
    """

    state: str = 'idle'
    phase: str = ''
    fraction: float = 0.0
    seconds: float = 0.0
    error: Exception | None = None


class BuildQueue:
    """
    Builds models by name.

    :param begin: starts the build of a model, or raises an error if it cannot.
    :param ended: called once for each request, except repeated ones, with the outcome or the
        error.
    :param entered: called with a model's job when the job enters another phase.
    """

    def __init__(self, begin: Callable[[str], Job], ended: Callable[[str, Ending], None],
                 entered: Callable[[str, Job], None] = lambda name, job: None) -> None:
        self._begin, self._ended, self._entered = begin, ended, entered
        self._waiting: deque[str] = deque()
        self._building = ''
        self._job: Job | None = None
        self._errors: dict[str, Exception] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no model is building or queued."""
        return self._job is None and not self._waiting

    def holds(self, name: str) -> bool:
        """Return whether a model is building or queued."""
        return name in self._waiting or (self._job is not None and self._building == name)

    def request(self, name: str) -> None:
        """Queue a model, unless it is building or queued already."""
        if not self.holds(name):
            self._waiting.append(name)

    def cancel(self, name: str) -> str:
        """
        Stop the build of a model, or remove it from the queue.

        :returns: what was done, for people.
        :raises ConfigurationError: if it is neither building nor queued.
        """
        if self._job is not None and self._building == name:
            self._job.cancel()
            return 'canceling the build'
        if name not in self._waiting:
            raise ConfigurationError(f'{name} is neither building nor queued')
        self._waiting.remove(name)
        self._ended(name, BuildCanceledError('canceled before it began'))
        return 'taken out of the queue'

    def turn(self) -> None:
        """Poll the current build, or start the next one."""
        if self._job is not None:
            self._watch(self._job)
        elif self._waiting:
            self._begin_next()

    def state(self, name: str) -> BuildState:
        """Return the state of a model."""
        if self._job is not None and self._building == name:
            return BuildState('building', self._job.phase, self._job.fraction, self._job.seconds)
        if name in self._waiting:
            return BuildState('queued')
        return BuildState('failed', error=self._errors[name]) if name in self._errors \
            else BuildState()

    def close(self) -> None:
        """Kill the current build; the engine that it was to replace stays."""
        if self._job is not None:
            self._job.close()
            self._job = None

    def _begin_next(self) -> None:
        name = self._waiting.popleft()
        try:
            self._job, self._building = self._begin(name), name
        except Exception as error:
            self._end(name, error)

    def _watch(self, job: Job) -> None:
        phase = job.phase
        try:
            outcome = job.poll()
        except Exception as error:
            self._end(self._building, error)
            return
        if job.phase != phase:
            self._entered(self._building, job)
        if outcome is not None:
            self._end(self._building, outcome)

    def _end(self, name: str, ending: Ending) -> None:
        self._job = None
        if isinstance(ending, Exception):
            self._errors[name] = ending
        else:
            self._errors.pop(name, None)
        self._ended(name, ending)
