# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Disturbs running nodes at random for a long time, and accounts for every image."""
