# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The queue of builds, on real builds in child processes and without ROS."""

from __future__ import annotations

from pathlib import Path
import time

import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build_job import BuildJob, BuildOutcome
from edge_trt_ros.convert.build_queue import BuildQueue, BuildState, Ending, Job
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import BuildCanceledError, BuildError, ConfigurationError


class Recorder:
    """Owns a queue whose models lie in a folder, and records what happens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ended: list[tuple[str, Ending]] = []
        self.phases: list[tuple[str, str]] = []
        self.queue = BuildQueue(self.begin, lambda *ending: self.ended.append(ending),
                                lambda name, job: self.phases.append((name, job.phase)))

    def begin(self, name: str) -> Job:
        if name == 'unknown':
            raise ConfigurationError('there is no such model')
        return BuildJob(self.folder / f'{name}.onnx', self.folder / f'{name}.engine',
                        BuildOptions(backend='onnxruntime'), force=False)

    def run(self, endings: int) -> None:
        """Turn the queue until that many builds have ended."""
        deadline = time.monotonic() + 60
        while len(self.ended) < endings:
            assert time.monotonic() < deadline, 'the builds did not end'
            self.queue.turn()
            time.sleep(0.01)


@pytest.fixture()
def recorder(tmp_path: Path) -> Recorder:
    for name in ('a', 'b'):
        save(dense_model(), tmp_path / f'{name}.onnx')
    (tmp_path / 'broken.onnx').write_bytes(b'garbage')
    return Recorder(tmp_path)


def test_builds_run_one_at_a_time_in_the_order_of_the_requests(recorder: Recorder) -> None:
    queue = recorder.queue
    assert queue.is_idle and queue.state('a') == BuildState()
    for name in ('a', 'broken', 'b', 'a'):
        queue.request(name)
    assert queue.state('a').state == queue.state('b').state == 'queued'
    queue.turn()
    assert queue.state('a').state == 'building' and queue.state('b').state == 'queued'
    queue.request('a')  # it is building already
    recorder.run(3)
    assert [name for name, _ in recorder.ended] == ['a', 'broken', 'b'] and queue.is_idle
    first, failed, last = (ending for _, ending in recorder.ended)
    assert isinstance(first, BuildOutcome) and isinstance(last, BuildOutcome)
    assert isinstance(failed, BuildError) and 'not an ONNX file' in str(failed)
    assert queue.state('broken') == BuildState('failed', error=failed)
    assert queue.state('a') == BuildState()
    assert 'a' in {name for name, _ in recorder.phases}


def test_a_build_that_cannot_begin_is_a_failure(recorder: Recorder) -> None:
    recorder.queue.request('unknown')
    recorder.queue.turn()
    (name, error), = recorder.ended
    assert name == 'unknown' and 'no such model' in str(error)
    assert recorder.queue.state('unknown').state == 'failed' and recorder.queue.is_idle


def test_a_success_clears_the_failure(recorder: Recorder) -> None:
    recorder.queue.request('broken')
    recorder.run(1)
    save(dense_model(), recorder.folder / 'broken.onnx')
    recorder.queue.request('broken')
    assert recorder.queue.state('broken').state == 'queued'
    recorder.run(2)
    assert recorder.queue.state('broken') == BuildState()


def test_cancelling(recorder: Recorder) -> None:
    queue = recorder.queue
    with pytest.raises(ConfigurationError, match='a is neither building nor queued'):
        queue.cancel('a')
    queue.request('a')
    queue.request('b')
    queue.turn()
    assert queue.cancel('b') == 'taken out of the queue'
    assert isinstance(recorder.ended[0][1], BuildCanceledError)
    assert queue.state('b') == BuildState() and not queue.holds('b')
    assert queue.cancel('a') == 'canceling the build'
    recorder.run(2)
    assert recorder.ended[1][0] == 'a' and isinstance(recorder.ended[1][1], BuildCanceledError)
    assert not (recorder.folder / 'a.engine').exists() and queue.is_idle


def test_closing_kills_the_build(recorder: Recorder) -> None:
    recorder.queue.request('a')
    recorder.queue.turn()
    recorder.queue.close()
    recorder.queue.close()
    assert recorder.queue.is_idle and recorder.ended == []
    assert not (recorder.folder / 'a.engine').exists()
