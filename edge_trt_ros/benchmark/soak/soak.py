# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Runs inference node and engine builder under random requests, cameras and builds.

Three clients send requests that fit or not: transitions, reloads, parameters, builds. Three
cameras change size, encoding and rate, restart, and send bad images. All decisions come from a
seed; the order in which the nodes see them depends on the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, ExitStack
from pathlib import Path
import subprocess
import sys
from tempfile import TemporaryDirectory
from time import monotonic, time_ns
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.benchmark.soak.cameras import RandomCamera
from edge_trt_ros.benchmark.soak.ledger import FrameLedger
from edge_trt_ros.benchmark.soak.memory import MemoryCurve
from edge_trt_ros.benchmark.soak.requests import RandomClient
from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.demo.nodes.processes import stop_process
from edge_trt_ros.errors import EngineError
from edge_trt_ros.ros.node.transport import prepare_transport

NAMESPACE = '/edge_trt_ros_soak'
CLIENTS, CAMERAS = 3, ('', 'front/', 'left/')
_APPEAR_S, _SETTLE_S, _ANSWER_S, _LAST_S = 60.0, 1.0, 300.0, 2.0
_STOP = (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP)


def soak(seconds: float, seed: int = 0, onnx_path: Path = MODEL_PATH, pause_s: float = 0.5,
         progress: Callable[[str, float], None] = lambda phase, fraction: None
         ) -> dict[str, Any]:
    """
    Disturb the nodes and account for every image.

    :param seconds: duration.
    :param seed: seed of all decisions.
    :param onnx_path: the network, a detector.
    :param pause_s: maximum pause of a client between two requests.
    :param progress: called with a phase and the fraction of it that is done.
    :returns: a JSON object: counts of images and requests, the memory of the node, and
        `problems`, sentences; it is empty if all is well.
    :raises EngineError: if a node does not start.
    """
    progress('build the engine', 0.0)
    with TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        engine = folder / 'soak.engine'
        build_engine(onnx_path, engine, BuildOptions())
        started: dict[str, dict[str, object]] = {
            'inference_node': {'engine_file_path': engine},
            'engine_builder_node': {
                'models': '[soak]', 'soak.onnx_file_path': onnx_path,
                'soak.engine_file_path': engine,
                'soak.reload_service': f'{NAMESPACE}/inference/reload'}}
        nodes = {name: stack.enter_context(_process(folder, name, parameters))
                 for name, parameters in started.items()}
        run = stack.enter_context(_running(nodes, engine, seed, pause_s))
        run.disturb(seconds, progress)
        run.finish()
        for name, process in nodes.items():
            stop_process(process)
            run.problems += end_problems(name, process.returncode, folder / f'{name}.log')
        return run.report() | {'seconds': seconds, 'seed': seed}


class Soak:
    """
    The random clients and cameras, and what they find.

    :param nodes: the processes of the nodes, by name.
    :param engine: the engine.
    :param seed: seed of all decisions.
    :param pause_s: maximum pause of a client between two requests.
    :ivar problems: sentences; empty if all is well.
    """

    def __init__(self, nodes: dict[str, subprocess.Popen[bytes]], engine: Path, seed: int,
                 pause_s: float) -> None:
        self._nodes = nodes
        self._node = rclpy.create_node('soak', namespace=NAMESPACE)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        seeds = iter(np.random.SeedSequence(seed).spawn(CLIENTS + len(CAMERAS)))
        self._clients = [RandomClient(self._node, str(engine), np.random.default_rng(next(seeds)),
                                      pause_s) for _ in range(CLIENTS)]
        self._cameras = [RandomCamera(self._node, prefix, np.random.default_rng(next(seeds)))
                         for prefix in CAMERAS]
        self._change_state = self._node.create_client(ChangeState, 'inference/change_state')
        self._ledger = FrameLedger(f'{NAMESPACE[1:]}/inference')
        self._results = 0
        self.problems: list[str] = []
        self._memory = MemoryCurve()
        many = QoSProfile(depth=1000)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._ledger.read, many)
        for prefix in CAMERAS:
            self._node.create_subscription(
                Detection2DArray, f'{prefix}detections', self._count_result, many)

    def disturb(self, seconds: float, progress: Callable[[str, float], None]) -> None:
        """Send requests and images for a number of seconds, or until a node ends."""
        self._until(lambda: all(client.is_ready() for client in self._clients), _APPEAR_S,
                    'the nodes did not offer all their services')
        self._spin(_SETTLE_S)  # the servers may discover the clients late
        started = monotonic()
        while monotonic() < started + seconds and not self.problems:
            progress('soak', min((monotonic() - started) / seconds, 1.0))
            for camera in self._cameras:
                camera.turn(time_ns())
            for client in self._clients:
                client.turn()
                service, waits_s = client.waits_s()
                if waits_s > _ANSWER_S:
                    self.problems.append(f'{service} has not answered in {_ANSWER_S:g} s')
            self._memory.note(monotonic() - started, self._ledger.running_rss_mb)
            self.problems += [f'{name} ended with the exit status {process.returncode}'
                              for name, process in self._nodes.items()
                              if process.poll() is not None]
            self._executor.spin_once(timeout_sec=0.01)

    def finish(self) -> None:
        """Wait for all answers, and clean up the node, so that its counts are final."""
        self._until(lambda: not any(client.waits_s()[0] for client in self._clients), _ANSWER_S,
                    'a request was not answered')
        for number in _STOP:  # refused if the node is in that state already
            answer = self._change_state.call_async(
                ChangeState.Request(transition=Transition(id=number)))
            self._until(answer.done, _ANSWER_S, 'the last transition was not answered')
        self._spin(_LAST_S)
        self._ledger.close()

    def report(self) -> dict[str, Any]:
        """Return what was counted."""
        answers = sum((client.answers for client in self._clients), Counter())
        return {
            'problems': self.problems + self._ledger.problems,
            'requests': sum(answers.values()), 'requests_by_service': dict(sorted(
                answers.items())),
            'camera_restarts': sum(camera.restarts for camera in self._cameras),
            'images_sent': sum(camera.sent for camera in self._cameras),
            **self._ledger.totals, 'inputs_ended': self._ledger.ended,
            'results_received': self._results, **self._memory.figures()}

    def close(self) -> None:
        """Destroy the node."""
        self._executor.shutdown()
        self._node.destroy_node()

    def _count_result(self, message: Detection2DArray) -> None:
        self._results += 1

    def _until(self, condition: Callable[[], bool], timeout_s: float, problem: str) -> None:
        deadline = monotonic() + timeout_s
        while not condition():
            dead = [name for name, process in self._nodes.items() if process.poll() is not None]
            if monotonic() > deadline or dead:
                raise EngineError(f'{problem} in {timeout_s:g} s' if not dead
                                  else f'{dead[0]} has ended: {"; ".join(self.problems)}')
            self._executor.spin_once(timeout_sec=0.05)

    def _spin(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.05)


def end_problems(name: str, status: int, log: Path) -> list[str]:
    """
    Return what was wrong with the end of a process, as sentences.

    :param name: name of the process.
    :param status: its exit status.
    :param log: what it printed.
    """
    problems = [f'{name} ended with the exit status {status}'] if status else []
    text = log.read_text(errors='replace')
    if 'Traceback' in text:
        problems.append(f'{name} printed: {text[text.index("Traceback"):][:2000]}')
    return problems


@contextmanager
def _running(nodes: dict[str, subprocess.Popen[bytes]], engine: Path, seed: int, pause_s: float
             ) -> Iterator[Soak]:
    prepare_transport()
    rclpy.init()
    run = Soak(nodes, engine, seed, pause_s)
    try:
        yield run
    finally:
        run.close()
        rclpy.try_shutdown()


@contextmanager
def _process(folder: Path, name: str, parameters: dict[str, object]
             ) -> Iterator[subprocess.Popen[bytes]]:
    """Run a node in its own process, with its log in a file."""
    command = [sys.executable, '-m', 'edge_trt_ros', name, '--ros-args',
               '-r', f'__ns:={NAMESPACE}']
    for parameter, value in parameters.items():
        command += ['-p', f'{parameter}:={value}']
    with open(folder / f'{name}.log', 'w') as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield process
    finally:
        stop_process(process)
