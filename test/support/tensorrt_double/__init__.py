# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
A double of TensorRT 10 and 11, for paths that cannot run where the library is not installed.

It knows no more than the interface of one version (an inventory of `test/tensorrt_api`), and
answers as NVIDIA's documentation says. It proves what reaches the library, not what the library
makes of it: only a GPU proves that.
"""
