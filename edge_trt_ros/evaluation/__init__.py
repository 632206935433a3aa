# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measure the accuracy of a network: average precision, labelled images, accuracy report."""
