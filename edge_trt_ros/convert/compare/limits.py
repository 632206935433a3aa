# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Maximum differences between an engine and its ONNX model in float32, by precision.

`doc/explanation/verification.md` shows the measurements that they follow from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from edge_trt_ros.manifest import EngineManifest

# Limits in pixels hold for sources up to this width or height, and up to this many source pixels
# for each pixel of the network; they grow with larger ones.
LIMIT_SIDE_PX, LIMIT_SCALE = 1280, 4.0
# Largest relative rounding of one value: half a unit in the last place. int8 leaves some layers
# in fp16.
_ROUNDING = MappingProxyType({'fp32': 2 ** -24, 'tf32': 2 ** -11, 'fp16': 2 ** -11,
                              'bf16': 2 ** -8, 'int8': 2 ** -11})


@dataclass(frozen=True)
class Limits:
    """
    Maximum differences between an engine and its ONNX model in float32.

    :param precision: precision of the engine, a key of `LIMITS`.
    :param tensor: relative L2 error of a raw tensor, over all samples.
    :param tensor_gain: distance from 1 of the factor that fits a raw tensor best.
    :param scatter: relative scatter of a layer, given its own inputs.
    :param layer_gain: distance from 1 of the factor that fits a layer best.
    :param layer_shift: relative shift of the means of a layer's channels.
    :param box_px: error of a box in source pixels: the median, and the 99th percentile.
    :param overlap: minimum overlap (IoU) of a box with its partner, 1st percentile.
    :param shift_px: shift that the boxes have in common, in source pixels.
    :param size: relative change of size that the boxes have in common.
    :param score: error of a score, 99th percentile.
    :param score_gain: relative change of score that the results have in common.
    :param lost: share of confident results without a partner.
    :param angle_rad: rotation that the boxes have in common.
    :param keypoint: median error of keypoints, relative to the size of their box.
    :param mask: median share of a mask's pixels that differ.
    """

    precision: str
    tensor: float
    tensor_gain: float
    scatter: float
    layer_gain: float
    layer_shift: float
    box_px: tuple[float, float]
    overlap: float
    shift_px: float
    size: float
    score: float
    score_gain: float
    lost: float
    angle_rad: float
    keypoint: float
    mask: float

    @property
    def rounding(self) -> float:
        """Largest relative rounding of a single value, which no layer can avoid."""
        return _ROUNDING[self.precision]


# fp32 compares two implementations of the same float32 network; the other limits allow for
# rounding. TensorRT multiplies float32 in TF32, with 10 bits of mantissa, by default.
LIMITS: Mapping[str, Limits] = MappingProxyType({limits.precision: limits for limits in (
    Limits('fp32', tensor=0.001, tensor_gain=0.001, scatter=0.001, layer_gain=0.001,
           layer_shift=0.001, box_px=(0.01, 0.05), overlap=0.99, shift_px=0.01, size=0.001,
           score=0.001, score_gain=0.001, lost=0.0, angle_rad=0.001, keypoint=0.001, mask=0.005),
    Limits('tf32', tensor=0.02, tensor_gain=0.01, scatter=0.02, layer_gain=0.01,
           layer_shift=0.02, box_px=(0.5, 4.0), overlap=0.9, shift_px=0.25, size=0.005,
           score=0.02, score_gain=0.01, lost=0.01, angle_rad=0.01, keypoint=0.01, mask=0.03),
    Limits('fp16', tensor=0.02, tensor_gain=0.01, scatter=0.02, layer_gain=0.01,
           layer_shift=0.02, box_px=(0.5, 4.0), overlap=0.9, shift_px=0.25, size=0.005,
           score=0.02, score_gain=0.01, lost=0.02, angle_rad=0.01, keypoint=0.01, mask=0.03),
    Limits('bf16', tensor=0.05, tensor_gain=0.02, scatter=0.05, layer_gain=0.03,
           layer_shift=0.05, box_px=(1.5, 16.0), overlap=0.8, shift_px=0.75, size=0.015,
           score=0.1, score_gain=0.03, lost=0.05, angle_rad=0.02, keypoint=0.03, mask=0.06),
    Limits('int8', tensor=0.25, tensor_gain=0.08, scatter=0.12, layer_gain=0.05,
           layer_shift=0.12, box_px=(3.0, 48.0), overlap=0.6, shift_px=1.5, size=0.03,
           score=0.25, score_gain=0.06, lost=0.1, angle_rad=0.05, keypoint=0.1, mask=0.15))})


def limits_of(manifest: EngineManifest, precision: str) -> Limits:
    """
    Return the limits of an engine.

    :param manifest: manifest of the engine; its options state how much int8 may lose.
    :param precision: precision of the engine.
    """
    if precision == 'int8':
        limits = LIMITS[precision]
        allowed = float(manifest.options.get('max_accuracy_drop', 0.0))
        return replace(limits, lost=max(limits.lost, allowed))
    uses_tf32 = precision == 'fp32' and manifest.backend != 'onnxruntime'
    return LIMITS['tf32' if uses_tf32 else precision]
