# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The ROS side: nodes, parameters, messages. Lower layers do not import rclpy."""
