# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""TensorRT engines for batches: the images of a batch, their graphs and their memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.engines import echo_of_batches, open_tensorrt, padded_frame, THRESHOLDS
from support.frames import noise_frame
from support.gpu import GPU_MARKS

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.samples import Frame

pytestmark = GPU_MARKS
SIZES = ((160, 90), (90, 160), (34, 8), (1280, 720), (2, 2), (98, 66), (640, 480), (1920, 1080))
ENCODINGS = ('bgr8', 'nv12', 'rgba8', 'rgb8', 'yuv422', 'mono8', 'bgra8', 'bgr8')


def test_tensors_of_a_batch_are_those_of_single_images(gpu_manifest: EngineManifest) -> None:
    frames = [padded_frame(encoding, size_wh, 2) for encoding, size_wh in zip(ENCODINGS, SIZES)]
    plan, manifest = echo_of_batches(gpu_manifest, 8)
    assert manifest.max_batch == 8
    with open_tensorrt(plan, manifest) as runtime, \
            open_tensorrt(plan, manifest, use_graph=False, upload='mapped') as plain:
        alone = [np.array(runtime.collect(runtime.submit(frame))['echo']) for frame in frames]
        for opened in (runtime, plain):
            for count in (8, 1, 3, 5, 2, 8):
                # Another order is another size at each place.
                for order in (range(count), reversed(range(count))):
                    places = list(order)
                    tickets = opened.submit_batch([(frames[place], THRESHOLDS)
                                                   for place in places], slot=count % 2)
                    for ticket, place in zip(tickets, places):
                        np.testing.assert_array_equal(opened.collect(ticket)['echo'],
                                                      alone[place])
        assert runtime.why_no_graph == ''


def test_two_batches_in_flight(gpu_batch_engine: Path) -> None:
    plan, manifest = read_engine(gpu_batch_engine)
    frames = [noise_frame((640, 480), seed) for seed in range(8)]
    with open_tensorrt(plan, manifest) as runtime:
        alone = [{name: np.array(values) for name, values in runtime.collect(ticket).items()}
                 for ticket in runtime.submit_batch([(frame, THRESHOLDS) for frame in frames])]
        for _ in range(50):
            tickets = [runtime.submit_batch([(frame, THRESHOLDS) for frame in order], slot=slot)
                       for slot, order in enumerate((frames, frames[::-1]))]
            for answers, expected in ((tickets[1], alone[::-1]), (tickets[0], alone)):
                for ticket, outputs in zip(answers, expected):
                    for name, values in runtime.collect(ticket).items():
                        np.testing.assert_array_equal(values, outputs[name])


def test_memory_of_a_batch_is_stated(gpu_batch_engine: Path) -> None:
    plan, manifest = read_engine(gpu_batch_engine)
    with open_tensorrt(plan, manifest) as runtime:
        frame = Frame(np.zeros((720, 1280, 3), np.uint8), 'bgr8', (1280, 720))
        for slot in (0, 1):
            for ticket in runtime.submit_batch([(frame, THRESHOLDS)] * 8, slot=slot):
                runtime.collect(ticket)
        memory = runtime.memory_mb()
        images = 2 * 8 * frame.pixels.size / 1e6
        assert images < memory['frames_memory_mb'] < images + 40, memory
