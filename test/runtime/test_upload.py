# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Images reach the GPU unchanged in each way of uploading, and results are equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.engines import open_tensorrt, THRESHOLDS
from support.frames import noise_frame
from support.gpu import GPU_MARKS

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.runtime.pipeline import collect_detections, detect

pytestmark = GPU_MARKS
WAYS = ('whole', 'by threads', 'mapped')


SHAPES = ((720, 1280, 3), (1, 1, 3), (1081, 1921), (2160, 3840, 3), (33, 7, 4))


def test_bytes_on_the_device_are_those_of_the_images() -> None:
    from edge_trt_ros.runtime.cuda.session import CudaSession
    from edge_trt_ros.runtime.cuda.upload import Uploads
    import pycuda.driver as cuda
    session, random = CudaSession(), np.random.default_rng(0)
    # Rows end with padding, as in some images of cameras.
    images = [random.integers(0, 256, (shape[0], shape[1] + 3, *shape[2:]), np.uint8)[:, :shape[1]]
              for shape in SHAPES]
    for way in WAYS:
        with session.current():
            upload = Uploads(session, way).open(10)
            for batch in (*([image] for image in images), images, images[::-1]):
                upload.send(batch, b'0123456789')
                upload.before(session.stream)
                found = np.empty(upload.starts(batch)[-1], np.uint8)
                cuda.memcpy_dtoh_async(found, upload.address, session.stream)
                session.stream.synchronize()
                assert found[:10].tobytes() == b'0123456789'
                for image, start in zip(batch, upload.starts(batch)):
                    np.testing.assert_array_equal(
                        found[start:start + image.size].reshape(image.shape), image)
            upload.close()
    session.close()


@pytest.mark.parametrize('use_graph', [True, False])
def test_results_do_not_depend_on_the_way(gpu_engine: Path, use_graph: bool) -> None:
    plan, manifest = read_engine(gpu_engine)
    frames = [noise_frame((1280, 720), seed) for seed in range(4)]
    found = {}
    for way in WAYS:
        with open_tensorrt(plan, manifest, upload=way, use_graph=use_graph) as runtime:
            assert runtime.upload == f'images are uploaded {way} (asked for)'
            found[way] = []
            for round_ in range(25):
                tickets = [runtime.submit(frames[(round_ + slot) % 4], THRESHOLDS, slot=slot)
                           for slot in (0, 1)]
                found[way] += [collect_detections(runtime, ticket)[0] for ticket in tickets]
    for way in WAYS[1:]:
        for one, other in zip(found[way], found['whole']):
            np.testing.assert_array_equal(one.boxes_xyxy, other.boxes_xyxy)
            np.testing.assert_array_equal(one.scores, other.scores)


def test_the_fastest_way_is_measured(gpu_engine: Path) -> None:
    plan, manifest = read_engine(gpu_engine)
    with open_tensorrt(plan, manifest) as runtime:
        assert ' ms and by threads ' in runtime.upload or 'shares the memory' in runtime.upload
        assert len(detect(runtime, noise_frame((640, 480)), THRESHOLDS)[0])
