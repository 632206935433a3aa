# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The inference node in its own process, which a benchmark measures from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
import subprocess
import sys
from time import perf_counter, sleep
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import psutil
import rclpy

from edge_trt_ros.benchmark.image_source import start_node
from edge_trt_ros.demo.nodes.processes import stop_process
from edge_trt_ros.errors import EngineError

NAMESPACE = '/edge_trt_ros_benchmark'
START = (('configure', Transition.TRANSITION_CONFIGURE),
         ('activate', Transition.TRANSITION_ACTIVATE))
STOP = (('deactivate', Transition.TRANSITION_DEACTIVATE),
        ('cleanup', Transition.TRANSITION_CLEANUP))
_APPEAR_S, _TRANSITION_S = 30.0, 120.0


@dataclass
class MeasuredNode:
    """
    The inference node and a node of this process that watches it.

    :param watcher: the node of this process.
    :param process: the process of the inference node.
    :ivar statuses: the latest values in /diagnostics, by the name of the camera.
    """

    watcher: Any
    process: psutil.Process
    change_state: Any
    statuses: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self, transitions: Sequence[tuple[str, int]]) -> float:
        """
        Run transitions and return their total duration in seconds.

        :raises EngineError: if one of them fails.
        """
        started = perf_counter()
        for verb, number in transitions:
            request = ChangeState.Request(transition=Transition(id=number))
            if not self.answer(self.change_state, request).success:
                raise EngineError(f'the inference node failed to {verb}: see its log for the '
                                  'reason')
        return perf_counter() - started

    def answer(self, client: Any, request: Any) -> Any:
        """
        Return the response of a service of the node.

        :raises EngineError: if there is none in two minutes.
        """
        future = client.call_async(request)
        rclpy.spin_until_future_complete(self.watcher, future, timeout_sec=_TRANSITION_S)
        if not future.done():
            raise EngineError(f'the inference node did not answer {client.srv_name} in '
                              f'{_TRANSITION_S:.0f} s')
        return future.result()

    def stages_ms(self, camera: str = 'inference') -> dict[str, dict[str, float]]:
        """Return the percentiles of each stage by its name, from the latest diagnostics."""
        stages_ms: dict[str, dict[str, float]] = {}
        for key, value in self.statuses.get(camera, {}).items():
            stage, _, percent = key.rpartition('_ms_')
            if stage:
                stages_ms.setdefault(stage, {})[percent] = float(value)
        return stages_ms

    def take(self, message: DiagnosticArray) -> None:
        """Take the values of the node's entries in /diagnostics."""
        for status in message.status:
            node, _, camera = status.name.partition(': ')
            if node == f'{NAMESPACE[1:]}/inference':
                self.statuses[camera] = {entry.key: entry.value for entry in status.values}


@contextmanager
def measured_node(parameters: Mapping[str, object]) -> Iterator[MeasuredNode]:
    """
    Run the inference node while the context is open; it is not configured yet.

    :param parameters: the node's parameters.
    :raises EngineError: if it does not appear.
    """
    command = [sys.executable, '-m', 'edge_trt_ros', 'inference_node', '--ros-args',
               '-r', f'__ns:={NAMESPACE}', '--log-level', 'warn']
    for name, value in parameters.items():
        command += ['-p', f'{name}:={value}']
    watcher = start_node('benchmark')
    with ExitStack() as stack:
        stack.callback(rclpy.try_shutdown)
        stack.callback(watcher.destroy_node)
        process = subprocess.Popen(command)
        stack.callback(stop_process, process)
        change_state = watcher.create_client(ChangeState, f'{NAMESPACE}/inference/change_state')
        if not change_state.wait_for_service(timeout_sec=_APPEAR_S):
            raise EngineError(f'the inference node did not appear in {_APPEAR_S:.0f} s')
        sleep(1.0)  # the server may discover this client late, and would drop its response
        measured = MeasuredNode(watcher, psutil.Process(process.pid), change_state)
        watcher.create_subscription(DiagnosticArray, '/diagnostics', measured.take, 10)
        yield measured


def engine_parameters(engine: Path, backend: str, device_id: int, dla_core: int
                      ) -> dict[str, object]:
    """Return the parameters of a node that runs an engine."""
    return {'engine_file_path': engine.resolve(), 'backend': backend, 'device_id': device_id,
            'dla_core': dla_core}
