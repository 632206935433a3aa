# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What an error code means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorCode:
    """
    What an error code means.

    :param cause: what happened.
    :param remedy: what the user does about it.
    """

    cause: str
    remedy: str
