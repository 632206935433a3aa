# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""TensorRT: the library, a loaded network, and the runtime of an engine."""
