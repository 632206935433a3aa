# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Pixels, boxes and detections: pure arithmetic on NumPy arrays.

This layer uses no files, clock, ROS or GPU, and OpenCV only to resize, convert colours and draw.
Boxes are continuous: pixel (0, 0) covers 0 to 1 on both axes and has its centre at 0.5.
"""
