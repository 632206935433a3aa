"""What an operator tunes on the node that places detections in space."""

from __future__ import annotations

from dataclasses import dataclass

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.settings import check_settings, setting


@dataclass(frozen=True)
class Detections3DParameters:
    """Parameters of `detections_3d_node`; each field describes itself."""

    max_stamp_difference_ms: float = setting(
        50.0, 'Detections and depth further apart than this do not belong together.',
        limits=(0.0, 10000.0))
    min_depth_m: float = setting(
        0.1, 'Nearer depth is not believed.', live=True, limits=(0.0, 1000.0))
    max_depth_m: float = setting(
        20.0, 'Farther depth is not believed.', live=True, limits=(0.0, 1000.0))

    def __post_init__(self) -> None:
        check_settings(self)
        if self.min_depth_m >= self.max_depth_m:
            raise ConfigurationError(f'min_depth_m is {self.min_depth_m} and max_depth_m '
                                     f'{self.max_depth_m}: the first must be the smaller one')
