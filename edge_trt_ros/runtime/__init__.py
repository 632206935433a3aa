# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs engines: one contract (`contract.py`) and a back end per kind of device."""
