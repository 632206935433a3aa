# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A service or transition that a signal cuts off logs no error."""

from __future__ import annotations

from collections.abc import Iterator

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import pytest
import rclpy
from std_msgs.msg import String
from std_srvs.srv import Trigger

from edge_trt_ros.ros.node.answers import answer_service
from edge_trt_ros.ros.node.managed_node import ManagedNode


@pytest.fixture()
def node() -> Iterator[ManagedNode]:
    rclpy.init()
    made = ManagedNode('cut_off')
    try:
        yield made
    finally:
        made.destroy_node()
        rclpy.try_shutdown()


def test_a_service(node: ManagedNode, capfd: pytest.CaptureFixture[str]) -> None:
    publisher = node.create_publisher(String, 'text', 1)

    def publish() -> str:
        publisher.publish(String())
        return 'published'
    assert answer_service(Trigger.Response(), publish, node.get_logger(), 'failed').success
    rclpy.shutdown()
    answer = answer_service(Trigger.Response(), publish, node.get_logger(), 'failed')
    assert not answer.success and answer.message.startswith('failed')
    assert 'Traceback' not in capfd.readouterr().err


def test_a_bug_before_the_shutdown_is_logged(
        node: ManagedNode, capfd: pytest.CaptureFixture[str]) -> None:
    assert not answer_service(Trigger.Response(), lambda: str(1 / 0), node.get_logger(),
                              'failed').success
    assert 'ZeroDivisionError' in capfd.readouterr().err


def test_a_transition(node: ManagedNode, capfd: pytest.CaptureFixture[str]) -> None:
    service = next(one for one in node.services if one.srv_type is ChangeState)
    rclpy.shutdown()
    answer = service.callback(ChangeState.Request(transition=Transition(
        id=Transition.TRANSITION_CONFIGURE)), ChangeState.Response())
    assert not answer.success and 'Traceback' not in capfd.readouterr().err
