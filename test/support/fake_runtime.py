# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A fake runtime without a device, which fails in a given method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.batches import submit_one
from edge_trt_ros.runtime.contract import Answers, Asked, Ticket
from edge_trt_ros.runtime.decoding import decoder_of
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.thresholds import Thresholds


class FakeRuntime:
    """
    Detects a box in the centre of each image.

    :param manifest: manifest of an engine whose graph includes its head.
    :param fail_in: 'submit' or 'collect' raises EngineError there; 'outputs' returns NaN.
    """

    slots = 2
    max_batch = 1
    device_name = 'none'

    def __init__(self, manifest: EngineManifest, fail_in: str = '') -> None:
        self.manifest = manifest
        self.decode = decoder_of(manifest)
        self._preprocess = host_preprocess(manifest.input_kinds)
        self.fail_in = fail_in
        self.closed = 0

    def submit(self, sample: Sample, thresholds: Thresholds = Thresholds(), *, slot: int = 0
               ) -> Ticket:
        self._fail('submit')
        return Ticket(slot, self._preprocess.fit(sample), thresholds, 0)

    def submit_batch(self, asked: Sequence[Asked], *, slot: int = 0) -> Answers:
        return submit_one(self.submit, asked, slot)

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        self._fail('collect')
        width, height = self.manifest.image_input.size_wh
        value = np.nan if self.fail_in == 'outputs' else 1.0
        return {'boxes_xyxy': np.array([[[.4 * width, .4 * height, .6 * width, .6 * height]]],
                                       np.float32),
                'scores': np.array([[0.9]], np.float32), 'class_ids': np.zeros((1, 1), np.int32),
                'checksum': np.array([value], np.float32)}

    def reset_state(self) -> None:
        pass

    def stage_times_ms(self, ticket: Ticket) -> Mapping[str, float]:
        return {'preprocess': 0.0, 'network': 0.0}

    def memory_mb(self) -> Mapping[str, float]:
        return {}

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> FakeRuntime:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _fail(self, method: str) -> None:
        if self.fail_in == method:
            raise EngineError(f'the device failed in {method}')
