# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare the results of an engine with those of its ONNX model: limits, boxes, values."""
