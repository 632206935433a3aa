# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Export PyTorch and TensorFlow networks to ONNX, compared with the original."""
