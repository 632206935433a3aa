# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Images of a batch on TensorRT 10 and 11, on doubles of the library and of CUDA."""

from __future__ import annotations

import numpy as np
import pytest
from support.engines import (echo_of_batches, open_tensorrt, padded_frame, preprocessed_on_host,
                             THRESHOLDS)
from support.host_kernel import HAS_COMPILER
from support.tensorrt_double.machine import Machine

from edge_trt_ros.errors import ImageError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.samples import Frame


@pytest.mark.skipif(not HAS_COMPILER, reason='needs a C++ compiler')
@pytest.mark.parametrize('use_graph', [True, False])
@pytest.mark.parametrize('upload', ['whole', 'by threads', 'mapped'])
def test_images_of_a_batch_pass_through(machine: Machine, like: EngineManifest, upload: str,
                                        use_graph: bool) -> None:
    engine, manifest = echo_of_batches(like, 5)
    image_input = ImageInput((96, 64))
    frames = [padded_frame(encoding, size_wh, 2) for encoding, size_wh in (
        ('bgr8', (160, 90)), ('nv12', (34, 8)), ('mono8', (1280, 720)), ('rgba8', (1, 1)),
        ('rgb8', (640, 480)))]
    refused = Frame(frames[2].pixels, 'unknown8', (1280, 720))
    with open_tensorrt(engine, manifest, upload=upload, use_graph=use_graph) as runtime:
        for count in (5, 1, 3, 4, 2):
            asked = [(frame, THRESHOLDS) for frame in frames[:count - 1]]
            answers = [runtime.submit_batch([*asked, (frame, THRESHOLDS)], slot=slot)
                       for slot, frame in enumerate((frames[count - 1], refused))]
            assert isinstance(answers[1][-1], ImageError)
            for place, ticket in [*enumerate(answers[1][:-1]), *enumerate(answers[0])]:
                tensor = runtime.collect(ticket)['echo']
                expected = preprocessed_on_host(frames[place], image_input)
                assert np.abs(tensor - expected).max() * 255 <= 1.001
        assert {shape for name, shape in machine.tensorrt.of('IExecutionContext.set_input_shape')
                } == {(size, 3, 64, 96) for size in (1, 2, 4, 5)}
        assert runtime.memory_mb()['frames_memory_mb'] >= 0
