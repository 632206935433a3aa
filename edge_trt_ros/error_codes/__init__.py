# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The stable error codes, each with its cause and its remedy in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edge_trt_ros.error_codes.bags import BAGS
from edge_trt_ros.error_codes.builds import BUILDS
from edge_trt_ros.error_codes.error_code import ErrorCode
from edge_trt_ros.error_codes.kinds import KINDS
from edge_trt_ros.error_codes.libraries import LIBRARIES
from edge_trt_ros.error_codes.networks import NETWORKS
from edge_trt_ros.error_codes.running import RUNNING
from edge_trt_ros.error_codes.served import SERVED

ERROR_CODES: Mapping[str, ErrorCode] = MappingProxyType(
    {**KINDS, **LIBRARIES, **NETWORKS, **BUILDS, **BAGS, **SERVED, **RUNNING})
