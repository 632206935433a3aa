# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The kernels of a head on a GPU return the detections of the NumPy reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.gpu import GPU_MARKS
from support.head_outputs import Arrays, Case, CASES, SIZE_WH

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.heads import HEADS
from edge_trt_ros.runtime.device_decoding import COUNTS, ROWS
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks import TASKS
from edge_trt_ros.vision.thresholds import Thresholds

pytestmark = GPU_MARKS
LETTERBOX = Letterbox.fit((300, 200), SIZE_WH)
BATCH = 3


class OnDevice:
    """A head on a GPU whose network's outputs are uploaded by the test."""

    def __init__(self, case: Case, candidates: int = 1024) -> None:
        from edge_trt_ros.runtime.cuda.device_head import DeviceHead
        from edge_trt_ros.runtime.cuda.session import CudaSession
        from edge_trt_ros.runtime.cuda.slot import Slot
        import pycuda.driver as cuda
        self.decoding = case.decoding(candidates)
        self._session = CudaSession()
        with self._session.current():
            self._slot = Slot(self._session, (), tuple(self.decoding.outputs.values()),
                              self.decoding.to_host, batch=BATCH)
            self._head = DeviceHead(self.decoding, self._session, self._slot)
            self._settings = cuda.mem_alloc(BATCH * self._head.settings_bytes)

    def batch(self, samples: Sequence[tuple[Arrays, Thresholds]]) -> list[dict[str, Any]]:
        """Return what the device returns for each sample; valid until the next call."""
        import pycuda.driver as cuda
        with self._session.current():
            for place, (outputs, _) in enumerate(samples):
                for name, values in outputs.items():
                    cuda.memcpy_htod(self._slot.addresses[name] + place * values.nbytes,
                                     np.ascontiguousarray(values))
            settings = b''.join(self._head.settings(LETTERBOX, thresholds)
                                for _, thresholds in samples)
            cuda.memcpy_htod(self._settings, np.frombuffer(settings, np.uint8))
            stream = self._session.stream
            self._head.queue(stream, int(self._settings), len(samples))
            self._slot.download(stream, len(samples))
            stream.synchronize()
            return [{**self._slot.results(place), **self._head.results(place)}
                    for place in range(len(samples))]

    def arrays(self, outputs: Arrays, thresholds: Thresholds) -> dict[str, Any]:
        """Return what the device returns for one sample; valid until the next call."""
        return self.batch([(outputs, thresholds)])[0]

    def decode(self, outputs: Arrays, thresholds: Thresholds) -> Any:
        """Return the result of the task."""
        return self.decoding.decode(self.arrays(outputs, thresholds), LETTERBOX, thresholds)

    def close(self) -> None:
        with self._session.current():
            self._settings.free()
            self._head.close()
            self._slot.close()
        self._session.close()


@contextmanager
def on_device(case: Case, candidates: int = 1024) -> Iterator[OnDevice]:
    """Open a head on the GPU."""
    head = OnDevice(case, candidates)
    try:
        yield head
    finally:
        head.close()


def assert_equal(found: Any, expected: Any, task: str) -> None:
    """Compare two results: 1e-3 px and 1e-4 in score; the order is equal."""
    boxes, reference = TASKS[task].detections(found), TASKS[task].detections(expected)
    assert boxes is not None and reference is not None
    np.testing.assert_array_equal(boxes.class_ids, reference.class_ids)
    np.testing.assert_allclose(boxes.scores, reference.scores, atol=1e-4)
    np.testing.assert_allclose(boxes.boxes_xyxy, reference.boxes_xyxy, atol=1e-3)
    for name in ('keypoints', 'angles_rad'):
        values, others = getattr(boxes, name), getattr(reference, name)
        assert (values is None) == (others is None)
        if others is not None:
            np.testing.assert_allclose(values, others, atol=1e-3)
    if task == 'segment':
        assert (found.instance_map == expected.instance_map).mean() > 0.999


def reference(case: Case, arrays: Arrays, thresholds: Thresholds) -> Any:
    """Return the result of the NumPy decoder."""
    return HEADS[case.head].decode(arrays, LETTERBOX, thresholds, **case.options)


@pytest.mark.parametrize('head', CASES)
def test_detections_are_those_of_the_reference(head: str) -> None:
    case = CASES[head]
    task, seen = HEADS[head].tasks[0], 0
    with on_device(case, 2048) as device:
        for seed, objects in enumerate((0, 1, 5, 40, 200, 3, 0, 60)):
            arrays = case.arrays(seed, objects)
            for thresholds in (Thresholds(), Thresholds(0.05, 0.7, 1000), Thresholds(0.5, 0.1, 7),
                               Thresholds(0.1, 0.3, 50, frozenset({0, 2})),
                               Thresholds(0.1, 1.0, 10_000)):
                found = device.decode(arrays, thresholds)
                expected = reference(case, arrays, thresholds)
                assert_equal(found, expected, task)
                seen += len(TASKS[task].detections(found))
    assert seen > 100


@pytest.mark.parametrize('head', CASES)
def test_samples_of_a_batch_have_their_own_thresholds(head: str) -> None:
    case, task = CASES[head], HEADS[head].tasks[0]
    samples = [(case.arrays(1, 40), Thresholds()), (case.arrays(2, 0), Thresholds(0.5, 0.1, 7)),
               (case.arrays(3, 200), Thresholds(0.1, 0.3, 50, frozenset({0, 2})))]
    with on_device(case, 2048) as device:
        for order in (samples, samples[::-1], samples[1:]):
            for (arrays, thresholds), found in zip(order, device.batch(order)):
                assert_equal(device.decoding.decode(found, LETTERBOX, thresholds),
                             reference(case, arrays, thresholds), task)


def test_more_candidates_than_nms_looks_at() -> None:
    # All 25,200 rows are above the threshold: the best 1,024 are tried.
    case = Case('yolo_anchors', {'output': (1, 25_200, 5 + 80)}, 80)
    arrays, thresholds = case.arrays(0, 25_200), Thresholds(0.0001, 0.45, 300)
    # Every box is in the image.
    arrays['output'][0, :, :2] = np.clip(arrays['output'][0, :, :2], 40, 100)
    scores = arrays['output'][0, :, 5:].max(1) * arrays['output'][0, :, 4]
    best = np.sort(np.argsort(-scores, kind='stable')[:1024])
    few = replace(case, shapes={'output': (1, 1024, 85)})
    with on_device(case) as device:
        first = device.decode(arrays, thresholds)
        assert_equal(first, reference(few, {'output': arrays['output'][:, best]}, thresholds),
                     'detect')
        for _ in range(20):
            again = device.decode(arrays, thresholds)
            np.testing.assert_array_equal(again.boxes_xyxy, first.boxes_xyxy)
        assert int(device.arrays(arrays, thresholds)[COUNTS][2]) == 25_200


def test_equal_scores_keep_the_order_of_the_rows() -> None:
    case = CASES['yolo_dense']
    arrays = case.arrays(3)
    arrays['output'][0, 4:] = 0
    arrays['output'][0, 4] = 0.5
    thresholds = Thresholds(0.25, 0.6, 300)
    with on_device(case) as device:
        assert_equal(device.decode(arrays, thresholds), reference(case, arrays, thresholds),
                     'detect')


@pytest.mark.parametrize('labels, rows', [(1, 8400), (2000, 300), (80, 1)])
def test_few_and_many_classes_and_rows(labels: int, rows: int) -> None:
    case = Case('yolo_dense', {'output': (1, 4 + labels, rows)}, labels)
    arrays, thresholds = case.arrays(5, 60), Thresholds(class_ids=frozenset(range(0, labels, 2)))
    with on_device(case) as device:
        for kept in (thresholds, Thresholds()):
            assert_equal(device.decode(arrays, kept), reference(case, arrays, kept), 'detect')


def test_boxes_without_area_and_outside_the_image() -> None:
    case = CASES['yolo_dense']
    arrays, thresholds = case.arrays(4, 100), Thresholds(0.25, 0.45, 300)
    arrays['output'][0, 2, ::3] = 0
    arrays['output'][0, 3, 1::3] *= -1
    arrays['output'][0, 0, 2::6] = 1e7
    with on_device(case) as device:
        assert_equal(device.decode(arrays, thresholds), reference(case, arrays, thresholds),
                     'detect')


@pytest.mark.parametrize('head', CASES)
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_is_an_error(head: str, value: float) -> None:
    case = CASES[head]
    with on_device(case) as device:
        for role in case.shapes:
            arrays = case.arrays(6)
            arrays[role].reshape(-1)[arrays[role].size // 2] = value
            with pytest.raises(NetworkOutputError, match='NaN or infinite'):
                device.decode(arrays, Thresholds())
        assert len(device.arrays(case.arrays(6), Thresholds())[ROWS])


def test_float16_outputs() -> None:
    case = CASES['yolo_dense']
    arrays = {name: values.astype(np.float16) for name, values in case.arrays(8).items()}
    wide = {name: values.astype(np.float32) for name, values in arrays.items()}
    with on_device(_Half(case.head, case.shapes, case.labels)) as device:
        assert_equal(device.decode(arrays, Thresholds()), reference(case, wide, Thresholds()),
                     'detect')


class _Half(Case):
    def decoding(self, candidates: int = 1024, dtype: str = 'float16') -> Any:
        return super().decoding(candidates, dtype)
