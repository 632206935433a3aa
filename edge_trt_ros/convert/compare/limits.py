# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Maximum differences between an engine and its ONNX model in float32, by precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math
from types import MappingProxyType

from edge_trt_ros.manifest import EngineManifest


@dataclass(frozen=True)
class Limits:
    """
    Maximum differences between an engine and its ONNX model in float32.

    :param precision: precision of the engine, a key of `LIMITS`.
    :param box_px: maximum error of a box in pixels; infinite if classes or boxes may change.
    :param score: maximum error of a score, between scores sorted on both sides.
    :param lost: maximum share of confident boxes without a partner on the other side.
    """

    precision: str
    box_px: float
    score: float
    lost: float


# fp32 compares two implementations of the same float32 network; the other limits allow for
# rounding. TensorRT multiplies float32 in TF32, with 10 bits of mantissa, by default.
LIMITS: Mapping[str, Limits] = MappingProxyType({limits.precision: limits for limits in (
    Limits('fp32', 0.05, 0.001, 0.0), Limits('tf32', math.inf, 0.01, 0.01),
    Limits('fp16', math.inf, 0.03, 0.02), Limits('bf16', math.inf, 0.15, 0.05),
    Limits('int8', math.inf, 0.3, 0.1))})


def limits_of(manifest: EngineManifest, precision: str) -> Limits:
    """
    Return the limits of an engine.

    :param manifest: manifest of the engine.
    :param precision: precision of the engine.
    """
    uses_tf32 = precision == 'fp32' and manifest.backend != 'onnxruntime'
    return LIMITS['tf32' if uses_tf32 else precision]
