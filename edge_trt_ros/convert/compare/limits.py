"""What an engine may differ by from its ONNX in float32, by precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math
from types import MappingProxyType

from edge_trt_ros.manifest import EngineManifest


@dataclass(frozen=True)
class Limits:
    """
    What an engine may differ by from float32.

    :param precision: that of the engine: a key of `LIMITS`.
    :param box_px: largest error of a box in pixels; infinite where a class or a box may change.
    :param score: largest error of a score, both sides sorted.
    :param lost: share of the confident boxes that may have no partner on the other side.
    """

    precision: str
    box_px: float
    score: float
    lost: float


# Two ways through the same float32 network; then what rounding may do. A GPU multiplies float32
# with the 10 bits of TF32, which TensorRT uses for float32 unless it is told not to.
LIMITS: Mapping[str, Limits] = MappingProxyType({one.precision: one for one in (
    Limits('fp32', 0.05, 0.001, 0.0), Limits('tf32', math.inf, 0.01, 0.01),
    Limits('fp16', math.inf, 0.03, 0.02), Limits('bf16', math.inf, 0.15, 0.05),
    Limits('int8', math.inf, 0.3, 0.1))})


def limits_of(manifest: EngineManifest, precision: str) -> Limits:
    """
    Return the limits of an engine.

    :param manifest: of the engine.
    :param precision: what it computes in.
    """
    rounds = precision == 'fp32' and manifest.backend != 'onnxruntime'
    return LIMITS['tf32' if rounds else precision]
