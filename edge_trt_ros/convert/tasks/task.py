"""What the converter knows of a task: what leaves the device, and how results are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.thresholds import Thresholds

Pairs = Sequence[tuple[Any, Any]]


class Comparison(Protocol):
    """Compares the results of an engine with those of its ONNX, sample by sample."""

    def thresholds(self, runtime: Runtime, sample: Sample) -> Thresholds:
        """Return what to keep of a sample, so that rounding alone removes nothing."""

    def add(self, expected: Any, actual: Any) -> None:
        """Compare the result of the ONNX with that of the engine."""

    def verdict(self) -> dict[str, Any]:
        """
        Return the measured differences.

        :raises BuildError: if they are larger than the limits.
        """


@dataclass(frozen=True)
class ConvertTask:
    """
    A task, as the converter knows it.

    :param name: as in `vision.tasks.TASKS`.
    :param outputs: returns what leaves the device: (head, K) to output tensors.
    :param compare: starts a comparison: (head, K, limits).
    :param share_kept: returns how much of what a reference finds another network finds as well,
        0 to 1, over pairs of results.
    :param keeps_names: whether the outputs are the network's own, under their own names.
    """

    name: str
    outputs: Callable[[RecognisedHead, int], tuple[TensorSpec, ...]]
    compare: Callable[[RecognisedHead, int, Limits], Comparison]
    share_kept: Callable[[Pairs], float]
    keeps_names: bool = False
