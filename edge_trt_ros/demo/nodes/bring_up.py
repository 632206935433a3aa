# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Build the engine and start the detector through their ROS services."""

from __future__ import annotations

from time import sleep
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import rclpy
from rclpy.node import Node
from std_srvs.srv import Trigger

from edge_trt_ros.errors import BuildError, EngineError

APPEAR_S, SETTLE_S, BUILD_S, TRANSITION_S = 30.0, 0.5, 120.0, 60.0


def build_through(node: Node, service: str) -> str:
    """
    Call the engine builder and wait for the build.

    :param node: the caller; no other thread may spin it meanwhile.
    :param service: the builder's Trigger service.
    :returns: the builder's message.
    :raises BuildError: with the builder's message if the build failed.
    :raises EngineError: if the service does not answer in time.
    """
    answer = call(node, Trigger, service, Trigger.Request(), BUILD_S)
    if not answer.success:
        raise BuildError(answer.message)
    return str(answer.message)


def activate(node: Node, lifecycle_node: str) -> None:
    """
    Configure and activate a lifecycle node.

    :raises EngineError: if a transition fails; the reason is in the log of the node.
    """
    for transition, verb in ((Transition.TRANSITION_CONFIGURE, 'configure'),
                             (Transition.TRANSITION_ACTIVATE, 'activate')):
        request = ChangeState.Request(transition=Transition(id=transition))
        if not call(node, ChangeState, f'{lifecycle_node}/change_state', request,
                    TRANSITION_S).success:
            raise EngineError(f'{lifecycle_node} failed to {verb}: see its log for the reason')


def call(node: Node, kind: Any, service: str, request: Any, timeout_s: float) -> Any:
    """
    Call a service and wait for its response.

    :raises EngineError: if there is no response in time.
    """
    client = node.create_client(kind, service)
    try:
        if not client.wait_for_service(timeout_sec=APPEAR_S):
            raise EngineError(f'the service {service} did not appear in {APPEAR_S:.0f} s: '
                              'check that its node is running')
        # The server may discover this client late, and would drop its response.
        sleep(SETTLE_S)
        future = client.call_async(request)
        rclpy.spin_until_future_complete(node, future, timeout_sec=timeout_s)
        if not future.done():
            raise EngineError(f'the service {service} did not respond in {timeout_s:.0f} s: see '
                              'the log of its node')
        return future.result()
    finally:
        node.destroy_client(client)
