# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs samples on an NVIDIA GPU: session, slots, lanes, preprocess kernel, CUDA graph."""
