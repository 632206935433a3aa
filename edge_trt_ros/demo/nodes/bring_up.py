"""Builds the engine and starts the detector through their services, as a robot would."""

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
    Have an engine built.

    :param node: the caller; not spun by anybody else meanwhile.
    :param service: the builder's Trigger service.
    :returns: the builder's sentence.
    :raises BuildError: with the builder's sentence if it failed or is not there.
    """
    answer = call(node, Trigger, service, Trigger.Request(), BUILD_S)
    if not answer.success:
        raise BuildError(answer.message)
    return str(answer.message)


def activate(node: Node, lifecycle_node: str) -> None:
    """
    Configure and activate a lifecycle node.

    :raises EngineError: if it refuses; its own log says why.
    """
    for transition, verb in ((Transition.TRANSITION_CONFIGURE, 'configure'),
                             (Transition.TRANSITION_ACTIVATE, 'activate')):
        request = ChangeState.Request(transition=Transition(id=transition))
        if not call(node, ChangeState, f'{lifecycle_node}/change_state', request,
                    TRANSITION_S).success:
            raise EngineError(f'{lifecycle_node} did not {verb}: its log says why')


def call(node: Node, kind: Any, service: str, request: Any, timeout_s: float) -> Any:
    """
    Call a service and wait for its answer.

    :raises EngineError: if nobody answers in time.
    """
    client = node.create_client(kind, service)
    try:
        if not client.wait_for_service(timeout_sec=APPEAR_S):
            raise EngineError(f'the service {service} did not appear in {APPEAR_S:.0f} s: '
                              'is its node running?')
        # The server may see us later than we see it, and would drop its answer.
        sleep(SETTLE_S)
        future = client.call_async(request)
        rclpy.spin_until_future_complete(node, future, timeout_sec=timeout_s)
        if not future.done():
            raise EngineError(f'the service {service} did not answer in {timeout_s:.0f} s')
        return future.result()
    finally:
        node.destroy_client(client)
