# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The worker's queues: they take turns, and each drops its oldest items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest

from edge_trt_ros.ros.inference.worker import NewestFrameWorker


@pytest.fixture()
def worker() -> Iterator[Callable[..., NewestFrameWorker[str]]]:
    made: list[NewestFrameWorker[str]] = []

    def make(work: Callable[[str], None], most_together: int = 1) -> NewestFrameWorker[str]:
        def work_on(items: list[str]) -> None:
            work(' '.join(items))
        made.append(NewestFrameWorker(work_on, 'test', most_together=lambda: most_together))
        return made[-1]
    yield make
    for one in made:
        one.close()


def test_queues_take_turns_and_a_flood_drops_only_its_own(
        worker: Callable[..., NewestFrameWorker[str]]) -> None:
    began, release, done = Event(), Event(), []

    def work(item: str) -> None:
        began.set()
        release.wait(10)
        done.append(item)
    queue = worker(work)
    assert not queue.offer('flood 0', 'flood')
    assert began.wait(10)
    assert not queue.offer('flood 1', 'flood')
    assert all(queue.offer(f'flood {number}', 'flood') for number in range(2, 50))
    assert not queue.offer('a', 'a') and not queue.offer('b', 'b')
    release.set()
    while len(done) < 4:
        began.wait(0.01)
    assert set(done[1:3]) == {'a', 'b'} or done[1] == 'flood 49'
    assert done[0] == 'flood 0' and sorted(done[1:]) == ['a', 'b', 'flood 49']


def test_what_waits_runs_together_in_turn(worker: Callable[..., NewestFrameWorker[str]]) -> None:
    began, release, done = Event(), Event(), []

    def work(items: str) -> None:
        began.set()
        release.wait(10)
        done.append(items)
    queue = worker(work, most_together=3)
    queue.offer('a0', 'a')
    assert began.wait(10)
    for number in (1, 2):  # only the newest of each waits
        for name in 'abcd':
            queue.offer(f'{name}{number}', name)
    release.set()
    while len(done) < 3:
        began.wait(0.01)
    # `a` was served first, and is the last in turn.
    assert done == ['a0', 'b2 c2 d2', 'a2'] or done == ['a0', 'a2 b2 c2', 'd2']


def test_closing_and_removing_count_the_waiting_items(
        worker: Callable[..., NewestFrameWorker[str]]) -> None:
    began, release = Event(), Event()

    def work(item: str) -> None:
        began.set()
        release.wait(10)
    queue = worker(work)
    queue.offer('x', 'a')
    assert began.wait(10)
    for name in 'abc':
        queue.offer('y', name)
    assert queue.remove('b') == 1 and queue.remove('none') == 0
    release.set()
    queue.close()


def test_a_queue_is_removed_after_its_item_in_work(
        worker: Callable[..., NewestFrameWorker[str]]) -> None:
    began, release, removed = Event(), Event(), Event()

    def work(items: str) -> None:
        began.set()
        release.wait(10)

    def remove() -> None:
        assert queue.remove('a') == 1
        removed.set()
    queue = worker(work)
    queue.offer('a0', 'a')
    assert began.wait(10)
    queue.offer('a1', 'a')
    thread = Thread(target=remove)
    thread.start()
    assert not removed.wait(0.2)
    release.set()
    assert removed.wait(10)
    thread.join()
