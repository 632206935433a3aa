# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The inference node as a process: time to the first detection, and from a signal to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
import signal
import subprocess
import sys
from time import monotonic
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
import pytest
from std_srvs.srv import Trigger
from support.graph import Graph, graph
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions

START_S, END_S = 15.0, 3.0  # on an idle machine 1.5 and 0.5 seconds
# The second engine opens in a C function that takes many seconds, as on a GPU.
SLOW = """
import hashlib
from edge_trt_ros.ros.inference import settings
open_engine, opened = settings.open_engine_of, []
def slow(parameters):
    if len(opened) == {after}:
        print('opening', flush=True)
        hashlib.pbkdf2_hmac('sha256', b'', b'', 1 << 30)
    opened.append(1)
    return open_engine(parameters)
settings.open_engine_of = slow
from edge_trt_ros.cli.inference_node import main
main()
"""
Start = Callable[..., 'subprocess.Popen[str]']


@pytest.fixture()
def ros() -> Iterator[Graph]:
    with graph() as started:
        yield started


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('engine')
    build_engine(save(dense_model(), folder / 'm.onnx'), folder / 'm.engine',
                 BuildOptions(backend='onnxruntime'))
    return folder / 'm.engine'


@pytest.fixture()
def start(engine: Path) -> Iterator[Start]:
    """Return a function that starts a node."""
    made: list[subprocess.Popen[str]] = []

    def run(program: str = '', autostart: bool = False) -> subprocess.Popen[str]:
        made.append(subprocess.Popen(
            [sys.executable, *(['-c', program] if program else ['-m', 'edge_trt_ros']),
             'inference_node', '--ros-args', '-p', f'engine_file_path:={engine}',
             '-p', f'autostart:={autostart}'],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return made[-1]
    yield run
    for process in made:
        process.kill()
        process.communicate()


def change(ros: Graph, *numbers: int) -> None:
    for number in numbers:
        assert ros.call(ChangeState, 'inference/change_state', ChangeState.Request(
            transition=Transition(id=number))).success


def images_until(ros: Graph, condition: Callable[[], Any]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline, 'timed out'
        if ros.images.get_subscription_count():
            ros.send()
        ros.spin(0.03)


def end(process: subprocess.Popen[str], number: int) -> float:
    """Send a signal, check how the process ends, and return the seconds until then."""
    sent = monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    seconds = monotonic() - sent
    assert process.returncode == 0 and 'Traceback' not in errors, errors
    assert seconds < END_S
    return seconds


STATES: dict[str, tuple[int, ...]] = {
    'unconfigured': (),
    'inactive': (Transition.TRANSITION_CONFIGURE,),
    'finalized': (Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,)}


@pytest.mark.parametrize('state', STATES)
def test_a_signal_ends_a_node_in_every_state(ros: Graph, start: Start, state: str) -> None:
    process = start()
    change(ros, *STATES[state])
    assert ros.call(GetState, 'inference/get_state').current_state.label == state
    print(f'{state}: {end(process, signal.SIGINT):.2f} s from SIGINT to the end')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
def test_first_detection_and_a_signal_to_an_active_node(
        ros: Graph, start: Start, number: int) -> None:
    began = monotonic()
    process = start(autostart=True)
    images_until(ros, lambda: ros.detections)
    first_s = monotonic() - began
    images_until(ros, lambda: len(ros.detections) > 9)
    ros.send()
    print(f'first detection after {first_s:.2f} s; active: {end(process, number):.2f} s from '
          f'{signal.Signals(number).name} to the end')
    assert first_s < START_S


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
def test_a_signal_ends_a_node_that_opens_its_engine(start: Start, number: int) -> None:
    process = start(SLOW.format(after=0), autostart=True)
    assert process.stdout and process.stdout.readline() == 'opening\n'
    print(f'configuring: {end(process, number):.2f} s')


def test_a_signal_ends_a_node_that_reloads_its_engine(ros: Graph, start: Start) -> None:
    process = start(SLOW.format(after=1), autostart=True)
    images_until(ros, lambda: ros.detections)
    client = ros.peer.create_client(Trigger, 'inference/reload')
    ros.until(client.service_is_ready)
    ros.spin(0.3)
    client.call_async(Trigger.Request())
    assert process.stdout and process.stdout.readline() == 'opening\n'
    print(f'reloading: {end(process, signal.SIGTERM):.2f} s')
