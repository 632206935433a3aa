# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Three clients send random requests at once, fitting or not, to a node in its own process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
import numpy as np
import psutil
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger
from support.graph import Graph

REQUESTS, CLIENTS, WARM_UP = 1000, 3, 400
SHUTDOWN = (5, 6, 7)
PARAMETERS: tuple[tuple[str, Any], ...] = (
    ('confidence_threshold', 0.3), ('confidence_threshold', 7.0), ('class_names', []),
    ('class_names', ['unicorn']), ('engine_file_path', '/elsewhere'), ('max_rate_hz', 5.0),
    ('max_rate_hz', 0.0), ('cameras', ['front']), ('cameras', []), ('cameras', ['a b']),
    ('nonsense', 1), ('max_detections', 'many'))


class RandomClient:
    """Sends one request after the other to the node."""

    def __init__(self, ros: Graph, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        kinds = {'change_state': ChangeState, 'get_state': GetState,
                 'get_available_transitions': GetAvailableTransitions, 'reload': Trigger,
                 'reset_tracks': Trigger, 'reset_state': Trigger,
                 'enable': SetBool, 'set_parameters': SetParameters}
        self._clients = {name: ros.peer.create_client(kind, f'/inference/{name}')
                         for name, kind in kinds.items()}
        self._kinds: dict[str, Any] = dict(kinds)
        self.waiting: Any = None
        self.answers = 0
        ros.until(lambda: all(client.service_is_ready() for client in self._clients.values()))

    def turn(self) -> None:
        """Send the next request if the last one was answered."""
        if self.waiting is not None:
            if not self.waiting.done():
                return
            assert self.waiting.result() is not None
            self.answers += 1
        name = str(self._random.choice(list(self._clients), p=[.4, .1, .05, .1, .03, .02, .1, .2]))
        self.waiting = self._clients[name].call_async(self._request(name))

    def _request(self, name: str) -> Any:
        request = self._kinds[name].Request()
        if name == 'change_state':
            number = int(self._random.choice([1, 2, 3, 4, self._random.integers(256)]))
            label = str(self._random.choice(['', '', '', 'configure', 'fly', 'shutdown']))
            if number not in SHUTDOWN and label != 'shutdown':
                request.transition = Transition(id=number, label=label)
        elif name == 'enable':
            request.data = bool(self._random.integers(2))
        elif name == 'set_parameters':
            key, value = PARAMETERS[self._random.integers(len(PARAMETERS))]
            request.parameters = [Parameter(key, value=value).to_parameter_msg()]
        return request


def test_no_request_ends_the_node_or_stays_without_an_answer(ros: Graph, engine: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, '-m', 'edge_trt_ros', 'inference_node', '--ros-args', '-p',
         f'engine_file_path:={engine}', '--log-level', 'fatal'], stderr=subprocess.PIPE, text=True)
    try:
        clients = [RandomClient(ros, seed) for seed in range(CLIENTS)]
        ros.spin(0.5)
        picture = np.zeros((90, 160, 3), np.uint8)
        used: list[tuple[float, int, int]] = []

        def answered(count: int) -> Callable[[], bool]:
            def work() -> bool:
                assert process.poll() is None, 'the process has ended'
                for client in clients:
                    client.turn()
                if ros.images.get_subscription_count():
                    ros.send(picture)
                return sum(client.answers for client in clients) >= count
            return work
        for count in (WARM_UP, REQUESTS):
            ros.until(answered(count), 240)
            node = psutil.Process(process.pid)
            used.append((node.memory_info().rss / 1e6, node.num_threads(), node.num_fds()))
        ros.until(lambda: all(client.waiting.done() for client in clients), 30)
        (memory_mb, threads, files), (last_mb, last_threads, last_files) = used
        assert last_mb < memory_mb * 1.15 and last_threads <= threads + 10
        assert last_files <= files + 10
        state = ros.call(GetState, '/inference/get_state').current_state.id
        shutdown = {1: 5, 2: 6, 3: 7}[state]
        change = ros.call(ChangeState, '/inference/change_state', ChangeState.Request(
            transition=Transition(id=shutdown)))
        assert change.success
        ros.until(answered(REQUESTS + 100), 60)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0 and 'Traceback' not in errors, errors[-2000:]
    finally:
        process.kill()
        process.wait()
