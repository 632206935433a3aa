# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a comparison found: measured differences, those beyond the limits, and what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Verdict:
    """
    The result of a comparison.

    :param measured: the differences by name, for the manifest.
    :param problems: differences beyond their limit, a clause each.
    :param seen: number of results on the samples that show something; 0 if nothing was seen.
    :param agreement: the most telling differences as a clause.
    """

    measured: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seen: int = 0
    agreement: str = ''

    def check(self, name: str, value: float, limit: float, text: str, unit: str = '') -> None:
        """
        Note a difference, and a problem if it exceeds its limit or is not a number.

        :param name: name of the difference in the manifest.
        :param value: the difference, at least 0.
        :param limit: greatest allowed value.
        :param text: what differs, for a message.
        :param unit: unit of the value, for a message.
        """
        self.measured[name] = rounded(value)
        if not value <= limit:
            self.problems.append(f'{text} {value:.4g}{unit}, allowed {limit:.4g}{unit}')


def rounded(value: float) -> float:
    """Return a number with five significant digits, as a manifest stores it."""
    return float(f'{value:.5g}')


def common(values: NDArray[Any]) -> float:
    """Return the magnitude of the median: what most values have in common, without scatter."""
    return abs(float(np.median(values))) if values.size else 0.0


def high(values: NDArray[Any]) -> float:
    """Return the 99th percentile of magnitudes; 0 without values."""
    return float(np.percentile(np.abs(values), 99)) if values.size else 0.0


def merged(verdicts: Mapping[str, Verdict]) -> Verdict:
    """Return one verdict of several; the differences of each stand under its name ('' merges)."""
    result = Verdict()
    for name, verdict in verdicts.items():
        result.measured |= {name: verdict.measured} if name else verdict.measured
        result.problems += verdict.problems
        result.seen += verdict.seen
        result.agreement = result.agreement or verdict.agreement
    return result
