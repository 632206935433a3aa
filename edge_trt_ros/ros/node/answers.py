# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts exceptions to transition results and service responses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from traceback import format_exc
from typing import Any, TypeVar

import rclpy
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from edge_trt_ros.errors import described, EdgeTrtError

NodeT = TypeVar('NodeT', bound=LifecycleNode)
Transition = Callable[[NodeT, LifecycleState], TransitionCallbackReturn]


def guarded(transition: Transition[NodeT]) -> Transition[NodeT]:
    """
    Decorate a transition callback: log exceptions and return a transition result.

    The result is FAILURE if the user can fix the cause (the node keeps its state), and ERROR for
    a bug. rclpy alone would swallow the exception silently. The callback itself must release
    what it acquired; use `ExitStack`.
    """
    @wraps(transition)
    def answer(node: NodeT, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:
            if is_shutdown(error):
                return TransitionCallbackReturn.ERROR
            node.get_logger().error(explain(error, f'{transition.__name__[3:]} failed'))
            return (TransitionCallbackReturn.FAILURE if is_mendable(error)
                    else TransitionCallbackReturn.ERROR)
    return answer


def is_shutdown(error: Exception) -> bool:
    """Return whether a callback failed only since a signal has shut ROS down."""
    # rclpy keeps RCLError private.
    return type(error).__name__ == 'RCLError' and not rclpy.ok()


def is_mendable(error: Exception) -> bool:
    """Return whether the user can fix the cause of an error."""
    return isinstance(error, (EdgeTrtError, OSError))


def explain(error: Exception, what: str) -> str:
    """Return an error as one sentence; for a bug, with its traceback."""
    if is_mendable(error):
        return f'{what}: {described(error)}'
    return f'{what}, and this is a bug of edge_trt_ros; please report it:\n{format_exc()}'


def answer_service(response: Any, work: Callable[[], str], logger: Any, what: str) -> Any:
    """
    Fill a Trigger or SetBool response from a call that returns a sentence or raises.

    :param response: the response to fill; returned.
    :param work: implements the service.
    :param logger: the node's logger.
    :param what: start of the error message, such as 'reload failed'.
    """
    try:
        response.success, response.message = True, work()
    except Exception as error:
        response.success, response.message = False, explain(error, what).splitlines()[0]
        if not is_shutdown(error):
            logger.error(explain(error, what))
    return response
