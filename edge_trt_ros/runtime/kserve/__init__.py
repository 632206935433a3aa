# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A network on a server that speaks the Open Inference Protocol (KServe v2), as Triton does."""
