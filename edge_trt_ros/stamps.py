# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Time stamps of messages as nanoseconds."""

from __future__ import annotations

from typing import Any


def stamp_ns(header: Any) -> int:
    """
    Return the stamp of a message in nanoseconds.

    :param header: header of the message, as `std_msgs/Header`.
    """
    return int(header.stamp.sec * 1_000_000_000 + header.stamp.nanosec)
