# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Every test run has a ROS domain of its own, and sees this machine only."""

from __future__ import annotations

import os

# Domains up to 101 are safe on Linux; above, ports of the ephemeral range are in the way.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 101)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
