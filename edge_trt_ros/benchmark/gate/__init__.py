# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Break engines on purpose, and measure whether the verification refuses them."""
