# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A worker thread that serves several bounded queues in turn and drops their oldest items."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

T = TypeVar('T')


class NewestFrameWorker(Generic[T]):
    """
    Calls a function with items on its own thread; drops the oldest waiting items of a queue.

    The queue that was served longest ago comes first, so a queue that overflows does not delay
    the others. A multi-threaded executor would have a longer latency tail and use more CPU.

    :param work: called with the items that wait, at most one of each queue; must not raise.
    :param name: name of the thread.
    :param most_waiting: maximum number of waiting items in each queue.
    :param most_together: returns the maximum number of items of a call.
    :ivar is_idle: whether the thread waits for an item.
    """

    def __init__(self, work: Callable[[list[T]], None], name: str, most_waiting: int = 1,
                 most_together: Callable[[], int] = lambda: 1) -> None:
        self._work, self._most_together = work, most_together
        self._most_waiting = most_waiting
        # In the order of their turns.
        self._queues: dict[str, deque[T]] = {}
        self._taken: list[str] = []  # the queues of the items that are in work
        self._stopping = False
        self.is_idle = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, item: T, queue: str = '') -> bool:
        """Enqueue an item; return True if this dropped a waiting item of its queue."""
        with self._changed:
            waiting = self._queues.setdefault(queue, deque(maxlen=self._most_waiting))
            replaced = len(waiting) == self._most_waiting
            waiting.append(item)
            self._changed.notify_all()
        return replaced

    def remove(self, queue: str) -> int:
        """Drop a queue after an item of it that is in work; return how many of it waited."""
        with self._changed:
            waiting = self._queues.pop(queue, ())
            # An item that the thread has taken is in work, even if `work` has not begun.
            self._changed.wait_for(lambda: queue not in self._taken)
            return len(waiting)

    def close(self) -> Counter[str]:
        """Finish the current items, end the thread, and return the dropped items by queue."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()
        return Counter({name: len(waiting) for name, waiting in self._queues.items()})

    def _run(self) -> None:
        while True:
            with self._changed:
                self.is_idle, self._taken = True, []
                self._changed.notify_all()
                self._changed.wait_for(lambda: any(self._queues.values()) or self._stopping)
                self.is_idle = False
                if self._stopping:
                    return
                items = self._next(self._most_together())
            self._work(items)

    def _next(self, count: int) -> list[T]:
        items = []
        self._taken = [name for name, waiting in self._queues.items() if waiting][:count]
        for name in self._taken:
            waiting = self._queues.pop(name)
            self._queues[name] = waiting  # at the end: its next turn comes last
            items.append(waiting.popleft())
        return items
