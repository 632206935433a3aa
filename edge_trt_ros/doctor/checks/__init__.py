# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The checks, by subject; `doctor.registry` lists them in the order of the report."""
