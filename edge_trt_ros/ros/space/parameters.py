# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Parameters of the node that computes 3D positions of detections."""

from __future__ import annotations

from dataclasses import dataclass

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.settings import check_settings, setting


@dataclass(frozen=True)
class Detections3DParameters:
    """Parameters of `detections_3d_node`; each field describes itself."""

    max_stamp_difference_ms: float = setting(
        50.0, 'Maximum difference of the stamps of detections and depth that are paired.',
        limits=(0.0, 10000.0))
    min_depth_m: float = setting(
        0.1, 'Ignore depth below this.', live=True, limits=(0.0, 1000.0))
    max_depth_m: float = setting(
        20.0, 'Ignore depth above this.', live=True, limits=(0.0, 1000.0))

    def __post_init__(self) -> None:
        check_settings(self)
        if self.min_depth_m >= self.max_depth_m:
            raise ConfigurationError(f'min_depth_m is {self.min_depth_m} and max_depth_m '
                                     f'{self.max_depth_m}: min_depth_m must be smaller')
