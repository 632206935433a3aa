# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Benchmarks of engines, nodes, transport and memory on this machine."""
