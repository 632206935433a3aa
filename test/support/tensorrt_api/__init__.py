# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The Python interfaces of TensorRT's versions, as data, as types and as a double."""
