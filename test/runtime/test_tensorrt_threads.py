# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""TensorRT engines: runtimes that several threads open, run and close."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from support.engines import THRESHOLDS
from support.frames import noise_frame
from support.gpu import GPU_MARKS

from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_runtime

pytestmark = GPU_MARKS


def test_two_runtimes_on_two_threads(gpu_engine: Path) -> None:
    with open_runtime(gpu_engine).runtime as runtime:
        expected = [detect(runtime, noise_frame((160, 90), seed), THRESHOLDS)[0].boxes_xyxy
                    for seed in range(2)]
    errors: list[str] = []

    def work(seed: int) -> None:
        try:
            with open_runtime(gpu_engine).runtime as runtime:
                for index in range(200):
                    found, _ = detect(runtime, noise_frame((160, 90), seed), THRESHOLDS,
                                      slot=index % 2)
                    np.testing.assert_array_equal(found.boxes_xyxy, expected[seed])
        except BaseException as error:
            errors.append(repr(error))
    threads = [Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_open_run_and_close_on_three_threads(gpu_engine: Path) -> None:
    made: list[Any] = []
    for work in (lambda: made.append(open_runtime(gpu_engine).runtime),
                 lambda: made.append(detect(made[0], noise_frame(), THRESHOLDS)[0]),
                 lambda: made[0].close()):
        thread = Thread(target=work)
        thread.start()
        thread.join()
    assert len(made) == 2
    made[0].close()
