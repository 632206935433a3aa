# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The Python interface of the package, exported by `edge_trt_ros`: models and builds."""
