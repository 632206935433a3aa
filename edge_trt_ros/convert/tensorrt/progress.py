# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Report the progress of a TensorRT build as a single fraction, and cancel it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from tensorrt import Module

Progress = Callable[[str, float], None]


def progress_monitor(trt: Module, progress: Progress) -> Any:
    """
    Return an `IProgressMonitor` that calls `progress`, and stops the build if that raises.

    Its `raised` is then the exception, because an exception must not cross the library.

    :param trt: the library's module.
    :param progress: called with the phase and the fraction of the build that is done.
    """
    base: Any = trt.IProgressMonitor

    class Monitor(base):
        """Converts nested phases to a fraction that never decreases."""

        def __init__(self) -> None:
            base.__init__(self)
            self.raised: BaseException | None = None
            self._phases: dict[str, list[Any]] = {}  # name -> [parent, steps done, steps]
            self._furthest = 0.0

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            self._phases[name] = [parent, 0, max(steps, 1)]

        def step_complete(self, name: str, step: int) -> bool:
            if name in self._phases:
                self._phases[name][1] = step + 1
            if self.raised is None:
                try:
                    self._furthest = max(self._furthest, self._fraction(name))
                    progress(name, self._furthest)
                except BaseException as error:  # an exception must not cross the library
                    self.raised = error
            return self.raised is None

        def phase_finish(self, name: str) -> None:
            self._phases.pop(name, None)

        def _fraction(self, name: str | None) -> float:
            inner = 0.0
            while name in self._phases:
                parent, done, steps = self._phases[name]
                inner, name = min((done + inner) / steps, 1.0), parent
            return inner
    return Monitor()
