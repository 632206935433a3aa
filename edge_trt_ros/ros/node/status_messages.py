# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages for `/diagnostics`."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
STALE = DiagnosticStatus.STALE


def status_message(level: bytes, name: str, message: str, hardware_id: str = '',
                   values: Mapping[str, object] = {}) -> DiagnosticStatus:
    """Return an entry of `/diagnostics`; floats have three decimals."""
    return DiagnosticStatus(
        level=level, name=name, message=message, hardware_id=hardware_id,
        values=[KeyValue(key=key, value=f'{value:.3f}' if isinstance(value, float) else str(value))
                for key, value in values.items()])


def diagnostics_message(stamp: object, statuses: list[DiagnosticStatus]) -> DiagnosticArray:
    """Return a `/diagnostics` message with entries."""
    message = DiagnosticArray(status=statuses)
    message.header.stamp = stamp
    return message
