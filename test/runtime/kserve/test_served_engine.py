# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An engine on a real Triton server: the contract, equal results, and a server that dies."""

from __future__ import annotations

from collections.abc import Iterator
import gc
import os
from pathlib import Path
import random
import signal
import time
from typing import Any

import numpy as np
import psutil
import pytest
from support.frames import noise_frame
from support.models import dense_model, save
from support.triton import NEEDS_TRITON, running, TritonServer, wait_until

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.serve.repository import write_served_model
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EdgeTrtError
from edge_trt_ros.runtime.kserve.fallback import WithFallback
from edge_trt_ros.runtime.kserve.opening import open_served
from edge_trt_ros.runtime.kserve.options import ServerOptions
from edge_trt_ros.runtime.kserve.runtime import KServeRuntime
from edge_trt_ros.runtime.pipeline import collect_detections, detect
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import open_runtime
from edge_trt_ros.vision.thresholds import Thresholds

pytest.importorskip('tritonclient.grpc', reason='served engines need tritonclient[grpc]')
pytestmark = NEEDS_TRITON
THRESHOLDS = Thresholds(confidence=0.1)


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('served')
    build_engine(save(dense_model((96, 64)), folder / 'm.onnx'), folder / 'm.engine',
                 BuildOptions(input_contract='{"mean": [0.2, 0.4, 0.5], "std": [0.5, 0.25, 1]}'))
    return folder / 'm.engine'


@pytest.fixture(scope='module')
def server(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    repository = tmp_path_factory.mktemp('models')
    write_served_model(repository, 'road', *read_engine(engine), backend='python')
    with running(repository, 'road') as started:
        yield started


@pytest.fixture
def served(server: TritonServer) -> Iterator[KServeRuntime]:
    with KServeRuntime(ServerOptions(server.url, 'road')) as runtime:
        yield runtime


def segments() -> list[str]:
    """Return the shared memory segments of this process."""
    return [path.name for path in Path('/dev/shm').glob(f'edge_trt_ros_{os.getpid()}_*')]


def test_results_equal_those_of_the_local_engine(served: KServeRuntime, engine: Path) -> None:
    assert 'letterboxed pixels travel through shared memory' in served.reason
    alpha = np.full((90, 160, 1), 77, np.uint8)
    bgr = noise_frame((160, 90)).pixels
    frames = [Frame.from_array(pixels, encoding) for pixels, encoding in (
        (bgr, 'bgr8'), (bgr[..., ::-1], 'rgb8'), (np.concatenate([bgr, alpha], 2), 'bgra8'),
        (np.concatenate([bgr[..., ::-1], alpha], 2), 'rgba8'), (bgr[..., 0], 'mono8'))]
    frames += [noise_frame((33, 7)), noise_frame((1, 1)), noise_frame((640, 480))]
    with open_runtime(engine).runtime as local:
        for frame in frames:
            found, times_ms = detect(served, frame, THRESHOLDS)
            expected, _ = detect(local, frame, THRESHOLDS)
            assert len(found) == len(expected)
            np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=1e-3)
            np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
            np.testing.assert_array_equal(found.class_ids, expected.class_ids)
            assert {'preprocess', 'network', 'postprocess'} <= set(times_ms)


def test_two_frames_in_flight_are_independent(served: KServeRuntime) -> None:
    frames = [noise_frame((160, 90), seed) for seed in (1, 2)]
    alone = [detect(served, frame, THRESHOLDS)[0] for frame in frames]
    for _ in range(20):
        tickets = [served.submit(frame, THRESHOLDS, slot=slot)
                   for slot, frame in enumerate(frames)]
        for ticket, expected in reversed(list(zip(tickets, alone))):
            found, _ = collect_detections(served, ticket)
            np.testing.assert_array_equal(found.boxes_xyxy, expected.boxes_xyxy)


def test_a_version_that_is_not_there(server: TritonServer) -> None:
    with pytest.raises(EdgeTrtError, match='does not have the model') as caught:
        KServeRuntime(ServerOptions(server.url, 'road/7'))
    assert caught.value.code == 'served_model_missing'
    with pytest.raises(EdgeTrtError, match='does not have the model'):
        KServeRuntime(ServerOptions(server.url, 'lane'))


def test_without_a_fallback_it_fails_at_once_and_recovers(
        server: TritonServer, served: KServeRuntime) -> None:
    detect(served, noise_frame(), THRESHOLDS)
    server.kill()
    for _ in range(3):
        started = time.monotonic()
        with pytest.raises(EdgeTrtError) as caught:
            detect(served, noise_frame(), THRESHOLDS)
        assert caught.value.code in ('server_unreachable', 'server_slow')
        assert time.monotonic() - started < 1.5
    server.start()
    returned = time.monotonic()
    wait_until(lambda: served.link.session is not None, 5, lambda: str(served.link.problem))
    assert time.monotonic() - returned < 2.0
    assert 'shared memory' in served.reason
    detect(served, noise_frame(), THRESHOLDS)
    assert served.link.news()[-1] == 'the server is back' and served.link.losses == 1


def test_with_a_fallback_no_frame_is_lost(server: TritonServer, engine: Path) -> None:
    """The server is stopped, which is slower than a crash: each request runs into its deadline."""
    opened = open_served(ServerOptions(server.url, 'road', deadline_ms=100.0), engine,
                         open_runtime(engine))
    runtime, watch = opened.runtime, opened.watch
    assert isinstance(runtime, WithFallback) and watch is not None
    with runtime, open_runtime(engine).runtime as local:
        expected, _ = detect(local, noise_frame(), THRESHOLDS)
        ways = []
        for number in range(60):
            if number == 10:
                server.signal(signal.SIGSTOP)
            if number == 20:
                server.signal(signal.SIGCONT)
            started = time.monotonic()
            found, _ = detect(runtime, noise_frame(), THRESHOLDS)
            assert time.monotonic() - started < 0.6
            np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=1e-3)
            ways.append(runtime.on_server)
            time.sleep(0.01)
        assert all(ways[:10]) and not any(ways[11:20])
        assert 'frames go to the local engine' in watch.problem()
        assert watch.figures()['frames_go_to'] == 'local engine'

        def is_back() -> bool:
            detect(runtime, noise_frame(), THRESHOLDS)
            return runtime.on_server
        wait_until(is_back, 10, watch.problem)
        lost, back = watch.news()
        assert '[server_slow]' in lost and 'go to the server' in back
        assert watch.problem() == '' and watch.figures()['server_switches'] == 2


def test_a_server_that_is_missing_at_first(server: TritonServer, engine: Path) -> None:
    server.kill()
    with pytest.raises(EdgeTrtError) as caught:
        open_served(ServerOptions(server.url, 'road'))
    assert caught.value.code == 'server_unreachable'
    opened = open_served(ServerOptions(server.url, 'road'), None, open_runtime(engine))
    with opened.runtime as runtime:
        detect(runtime, noise_frame(), THRESHOLDS)
        assert opened.watch is not None and 'cannot be reached' in opened.watch.news()[0]
        server.start()

        def is_used() -> bool:
            detect(runtime, noise_frame(), THRESHOLDS)
            return 'on grpc' in runtime.device_name
        wait_until(is_used, 10, opened.watch.problem)


def test_nothing_grows_and_nothing_stays(server: TritonServer, engine: Path) -> None:
    process = psutil.Process()

    def used() -> tuple[int, int, int]:
        gc.collect()
        return process.num_fds(), process.num_threads(), len(segments())

    def once() -> None:
        with KServeRuntime(ServerOptions(server.url, 'road')) as runtime:
            assert len(segments()) > 0
            detect(runtime, noise_frame(), THRESHOLDS)
            failed: Any = runtime.link.session
            runtime.link.failed(failed, EdgeTrtError('a test'))
            wait_until(lambda: runtime.link.session is not None, 5)
    once()
    before = used()
    for _ in range(5):
        once()
    after = used()
    assert after[0] <= before[0] + 3 and after[1] <= before[1] + 2 and after[2] == 0


def test_sigkill_under_load(server: TritonServer, engine: Path) -> None:
    """Two kills at random moments; `doc/howto/remote_engine.md` has the figures of twenty."""
    opened = open_served(ServerOptions(server.url, 'road', deadline_ms=200.0), engine,
                         open_runtime(engine))
    moments = random.Random(7)
    with opened.runtime as runtime:
        for _ in range(2):
            deadline = time.monotonic() + 10
            while not getattr(runtime, 'on_server') and time.monotonic() < deadline:
                detect(runtime, noise_frame(), THRESHOLDS)
            kill_at = time.monotonic() + moments.uniform(0.05, 0.2)
            killed = False
            for _ in range(15):
                started = time.monotonic()
                if not killed and started >= kill_at:
                    server.signal(signal.SIGKILL)
                    killed = True
                detect(runtime, noise_frame(), THRESHOLDS)
                time.sleep(max(0.0, 1 / 30 - (time.monotonic() - started)))
            assert killed and not getattr(runtime, 'on_server')
            server.kill()
            server.start()
