# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Requests for transitions that do not fit the state, and operators who are faster than us."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
import pytest
from rclpy.parameter import Parameter
from support.graph import Graph

from edge_trt_ros.ros.inference.node import InferenceNode

ChangeStates = Callable[..., bool]
PATHS: dict[str, tuple[int, ...]] = {
    'unconfigured': (), 'inactive': (1,), 'active': (1, 3), 'finalized': (5,)}
FITTING = {'unconfigured': {1, 5}, 'inactive': {2, 3, 6}, 'active': {4, 7}, 'finalized': set()}


@pytest.fixture()
def change_state(ros: Graph) -> ChangeStates:
    """Return a function that requests a transition by ID and label over DDS."""
    client = ros.peer.create_client(ChangeState, 'inference/change_state')

    def change(transition_id: int, label: str = '') -> bool:
        ros.until(client.service_is_ready)
        future = client.call_async(ChangeState.Request(
            transition=Transition(id=transition_id, label=label)))
        ros.until(future.done, 20)
        return bool(future.result().success)
    return change


@pytest.mark.parametrize('state', PATHS)
def test_requests_that_do_not_fit_are_refused_in_every_state(
        ros: Graph, engine: Path, change_state: ChangeStates, state: str) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine))
    ros.call(GetState, 'inference/get_state')
    for transition in PATHS[state]:
        assert change_state(transition)
    for number in range(256):
        if number not in FITTING[state]:
            assert not change_state(number), number
    for label in ('fly', 'configure' if state != 'unconfigured' else 'activate'):
        assert not change_state(0, label)
    assert ros.call(GetState, 'inference/get_state').current_state.label == state
    assert node.state_label == state
    for number in sorted(FITTING[state])[:1]:
        assert change_state(number)


def test_a_refused_request_is_logged_with_the_reason(
        ros: Graph, engine: Path, change_state: ChangeStates,
        capfd: pytest.CaptureFixture[str]) -> None:
    ros.add(InferenceNode, engine_file_path=str(engine))
    ros.call(GetState, 'inference/get_state')
    assert not change_state(3)
    text = capfd.readouterr().err
    assert "(3) does not fit the state 'unconfigured', expected 'configure' (1)" in text


@pytest.mark.parametrize('path, state', [((1,), 'inactive'), ((1, 3), 'active'),
                                         ((1, 2), 'unconfigured'), ((5,), 'finalized')])
def test_autostart_leaves_the_state_to_a_faster_operator(
        ros: Graph, engine: Path, change_state: ChangeStates, path: tuple[int, ...],
        state: str) -> None:
    hidden = engine.rename(engine.with_suffix('.hidden'))
    node = ros.add(InferenceNode, engine_file_path=str(engine), autostart=True)
    ros.call(GetState, 'inference/get_state')
    hidden.rename(engine)
    for transition in path:
        assert change_state(transition)
    assert node.set_parameters([Parameter('max_detections', value=7)])[0].successful
    ros.spin(1.5)
    assert node.state_label == state


def test_parameters_may_be_set_after_shutdown(ros: Graph, engine: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine.with_suffix('.none')),
                   autostart=True)
    ros.spin(0.3)
    node.trigger_shutdown()
    assert node.set_parameters([Parameter('engine_file_path', value=str(engine))])[0].successful
    ros.spin(1.5)
    assert node.state_label == 'finalized'
