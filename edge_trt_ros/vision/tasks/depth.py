# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task depth: the distance of every pixel, in metres or relative to the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import named_outputs, Outputs
from edge_trt_ros.vision.tasks.task import Labels, OutputFormat, Task
from edge_trt_ros.vision.thresholds import Thresholds

# More invalid pixels than this mean a wrong reading of the network, and not a bad view.
_MAX_INVALID = 0.5


@dataclass(frozen=True)
class DepthMap:
    """
    The depth of every pixel in the network's resolution.

    :param values: float32 (h, w), the size of the network's output, padding included. Metric:
        metres, above 0. Relative: larger is nearer, without a unit. NaN where there is no value.
    :param letterbox: maps the source image to the network's input.
    :param is_metric: whether the values are metres.
    """

    values: NDArray[np.float32]
    letterbox: Letterbox
    is_metric: bool

    def in_network_resolution(self) -> NDArray[np.float32]:
        """Return the cells that show the image, without padding, contiguous."""
        return np.ascontiguousarray(self.letterbox.shown(self.values))

    def in_source_resolution(self) -> NDArray[np.float32]:
        """Return the values in the size of the source image, interpolated, float32 (H, W)."""
        enlarged: NDArray[np.float32] = cv2.resize(
            self.in_network_resolution(), self.letterbox.source_size_wh,
            interpolation=cv2.INTER_LINEAR)
        return enlarged


def depth(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds, is_metric: bool
          ) -> DepthMap:
    """Decode the outputs of a fused head: `depth` [1, h, w], 0 where it is infinite."""
    values = named_outputs(outputs, depth=3, checksum=1)['depth'][0]
    return depth_map(values, letterbox, is_metric)


def depth_map(values: NDArray[Any], letterbox: Letterbox, is_metric: bool) -> DepthMap:
    """
    Return the values of a network as a map; those that are no depth become NaN.

    :param values: float (h, w); not modified.
    :param letterbox: maps the source image to the network's input.
    :param is_metric: whether the values are metres.
    :raises NetworkOutputError: if most values are negative, 0 or infinite.
    """
    own = values.astype(np.float32)
    invalid = ~np.isfinite(own) | (own <= 0 if is_metric else False)
    share = float(letterbox.shown(invalid).mean())
    if share > _MAX_INVALID:
        raise NetworkOutputError(
            f'{share:.0%} of the depths are negative, 0 or infinite, expected metres above 0: if '
            "the network's depth is relative, build it with --depth relative",
            code='depth_invalid')
    own[invalid] = np.nan
    return DepthMap(own, letterbox, is_metric)


def draw(image_bgr: NDArray[np.uint8], result: DepthMap, labels: Labels) -> None:
    """Blend colours into an image: near pixels are red, far ones blue, others unchanged."""
    values = result.in_source_resolution()
    known = np.isfinite(values)
    if not known.any():
        return
    nearness = 1 / values if result.is_metric else values
    low, high = np.percentile(nearness[known][::16], (2, 98))
    scaled = np.clip((nearness - low) / max(high - low, 1e-12), 0, 1)
    colors = cv2.applyColorMap((np.where(known, scaled, 0) * 255).astype(np.uint8),
                               cv2.COLORMAP_TURBO)
    blended = cv2.addWeighted(image_bgr, 0.4, colors, 0.6, 0)
    image_bgr[known] = blended[known]


def describe(result: DepthMap, labels: Labels) -> dict[str, Any]:
    """Return unit, range and median of the depths as plain values for JSON."""
    shown = result.in_network_resolution()
    known = shown[np.isfinite(shown)]
    low, median, high = map(float, np.percentile(known, (0, 50, 100))) if known.size else (0.,) * 3
    return {'depth': {'unit': 'm' if result.is_metric else 'relative, larger is nearer',
                      'min': round(low, 4), 'median': round(median, 4), 'max': round(high, 4),
                      'without_depth': round(1 - known.size / shown.size, 4)}}


_OUTPUTS: dict[str, tuple[int | str, ...]] = {'depth': (1, 'h', 'w'), 'checksum': (1,)}
TASK = Task('depth', (
    OutputFormat('depth_metric', _OUTPUTS, partial(depth, is_metric=True)),
    OutputFormat('depth_relative', _OUTPUTS, partial(depth, is_metric=False))), draw, describe)
