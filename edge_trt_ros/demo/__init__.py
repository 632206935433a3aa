# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A synthetic road, a detector trained on it, a camera that films it and a score."""
