# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Convert an ONNX file into a verified engine with its manifest."""
