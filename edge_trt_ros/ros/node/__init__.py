# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Shared by all nodes: parameters, QoS, transport, logging, service responses."""
