# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fuzzes the readers of files and messages: `make fuzz`."""
