# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A worker thread with a bounded queue that drops the oldest items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

T = TypeVar('T')


class NewestFrameWorker(Generic[T]):
    """
    Calls a function with items in order on its own thread; drops the oldest waiting items.

    A multi-threaded executor would do the same with a longer latency tail and more CPU.

    :param work: called with one item at a time; must not raise.
    :param name: name of the thread.
    :param most_waiting: maximum number of waiting items.
    :ivar is_idle: whether the thread waits for an item.
    """

    def __init__(self, work: Callable[[T], None], name: str, most_waiting: int = 1) -> None:
        self._work = work
        self._waiting: deque[T] = deque(maxlen=most_waiting)
        self._stopping = False
        self.is_idle = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, item: T) -> bool:
        """Enqueue an item; return True if this dropped a waiting item."""
        with self._changed:
            replaced = len(self._waiting) == self._waiting.maxlen
            self._waiting.append(item)
            self._changed.notify()
        return replaced

    def close(self) -> None:
        """Finish the current item, drop the waiting items, and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self.is_idle = True
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                self.is_idle = False
                if self._stopping:
                    return
                item = self._waiting.popleft()
            self._work(item)
