# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Batches on a device that runs one sample after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edge_trt_ros.errors import ImageError
from edge_trt_ros.runtime.contract import Answers, Asked, Ticket
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.thresholds import Thresholds


class _Submit(Protocol):
    def __call__(self, sample: Sample, thresholds: Thresholds, *, slot: int) -> Ticket: ...


def submit_one(submit: _Submit, asked: Sequence[Asked], slot: int) -> Answers:
    """
    Submit a batch of one sample (see `Runtime.submit_batch`).

    :param submit: `Runtime.submit`.
    :param asked: the sample.
    :param slot: slot of the runtime to use.
    """
    check_count(asked, 1)
    (sample, thresholds), = asked
    try:
        return (submit(sample, thresholds, slot=slot),)
    except ImageError as error:
        return (error,)


def check_count(asked: Sequence[Asked], largest: int) -> None:
    """
    Check the number of samples of a batch.

    :raises ValueError: if there are too many, or none.
    """
    if not 1 <= len(asked) <= largest:
        raise ValueError(f'a batch of {len(asked)} samples, expected 1 to {largest}')
