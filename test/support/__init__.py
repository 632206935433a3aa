# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Helpers that several tests share: models built in code, frames, a fake runtime."""
