"""The one place where exceptions become ROS outcomes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from traceback import format_exc
from typing import Any, TypeVar

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from edge_trt_ros.errors import described, EdgeTrtError

NodeT = TypeVar('NodeT', bound=LifecycleNode)
Transition = Callable[[NodeT, LifecycleState], TransitionCallbackReturn]


def guarded(transition: Transition[NodeT]) -> Transition[NodeT]:
    """
    Decorate a transition callback: log what went wrong and answer for it.

    FAILURE for what the user can mend (the node stays in the state it was in), ERROR for a bug
    of ours. rclpy alone would swallow the exception without a word. The callback itself must
    undo what it acquired, which `ExitStack` does for it.
    """
    @wraps(transition)
    def answer(node: NodeT, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:
            node.get_logger().error(explain(error, f'{transition.__name__[3:]} failed'))
            return (TransitionCallbackReturn.FAILURE if is_mendable(error)
                    else TransitionCallbackReturn.ERROR)
    return answer


def is_mendable(error: Exception) -> bool:
    """Tell whether a user can mend an error."""
    return isinstance(error, (EdgeTrtError, OSError))


def explain(error: Exception, what: str) -> str:
    """Return one sentence for a person; for a bug of ours, with its traceback."""
    if is_mendable(error):
        return f'{what}: {described(error)}'
    return f'{what}, and this is a bug of edge_trt_ros; please report it:\n{format_exc()}'


def answer_service(response: Any, work: Callable[[], str], logger: Any, what: str) -> Any:
    """
    Fill a Trigger or SetBool response from a call that returns a sentence or raises.

    :param response: the response to fill; returned.
    :param work: does what the service is for.
    :param logger: the node's logger.
    :param what: what failed if it raises, as 'reload failed'.
    """
    try:
        response.success, response.message = True, work()
    except Exception as error:
        response.success, response.message = False, explain(error, what).splitlines()[0]
        logger.error(explain(error, what))
    return response
