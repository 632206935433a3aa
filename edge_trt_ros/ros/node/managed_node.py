# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A lifecycle node that answers every `change_state` request."""

from __future__ import annotations

from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode

from edge_trt_ros.ros.node.answers import explain, is_shutdown


class ManagedNode(LifecycleNode):
    """
    A lifecycle node that refuses transitions that do not fit its state.

    On Jazzy, rclpy raises an exception for such a request: the process ends, and the caller waits
    forever. Lifecycle managers send such requests: a second STARTUP, or a reset.

    :param name: name of the node.
    """

    def __init__(self, name: str, **node_arguments: Any) -> None:
        super().__init__(name, **node_arguments)
        self.is_operated = False  # whether a request from outside has changed the state
        service = next(service for service in self.services if service.srv_type is ChangeState)
        self._change_state = service.callback
        service.callback = self._on_change_state

    @property
    def state_label(self) -> str:
        """The lifecycle state, such as 'unconfigured', 'inactive', 'active' or 'finalized'."""
        return str(self._state_machine.current_state[1])

    def _on_change_state(self, request: ChangeState.Request, response: ChangeState.Response
                         ) -> ChangeState.Response:
        wanted = request.transition
        fitting = {transition[0]: transition[1]
                   for transition in self._state_machine.available_transitions}
        if wanted.label not in fitting.values() if wanted.label else wanted.id not in fitting:
            listed = ', '.join(f"'{label}' ({number})" for number, label in fitting.items())
            self.get_logger().error(
                f"change_state refused: the transition '{wanted.label}' ({wanted.id}) does not "
                f"fit the state '{self.state_label}', expected {listed or 'none'}")
            response.success = False
            return response
        try:
            response = self._change_state(request, response)
        except Exception as error:  # of rclpy: the callbacks of this package raise nothing
            if not is_shutdown(error):
                self.get_logger().error(explain(error, 'change_state failed'))
            response.success = False
        self.is_operated |= response.success
        return response
