# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Decoders against explicit boxes; invalid outputs are rejected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pytest

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.heads import HEADS
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks import TASKS
from edge_trt_ros.vision.thresholds import Thresholds

Outputs = dict[str, NDArray[Any]]
Rows = Sequence[tuple[float, ...]]
LETTERBOX = Letterbox.fit((1280, 720), (640, 640))  # half the size, 140 rows above
DTYPES: list[Any] = [np.float32, np.float16]
# x1, y1, x2, y2 in network pixels, score, class
ROWS = [(100, 240, 200, 300, 0.875, 1),
        (102, 240, 202, 300, 0.75, 1),  # a duplicate of the first box
        (102, 240, 202, 300, 0.625, 0),  # an overlapping box of another class
        (600, 480, 700, 560, 0.5, 2),  # exceeds the image to the right and at the bottom
        (300, 20, 400, 120, 0.5, 2),  # entirely in the padding
        (10, 200, 20, 210, 0.125, 0)]  # below the threshold
IN_SOURCE = [(200, 200, 400, 320), (204, 200, 404, 320), (204, 200, 404, 320),
             (1200, 680, 1280, 720)]


def dense(rows: Rows, dtype: Any = np.float32) -> Outputs:
    raw = np.zeros((1, 4 + 3, max(len(rows), 8)), dtype)
    for column, (left, top, right, bottom, score, class_id) in enumerate(rows):
        raw[0, :4, column] = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        raw[0, 4 + int(class_id), column] = score
    return {'output0': raw}


def end_to_end(rows: Rows, dtype: Any = np.float32) -> Outputs:
    raw = np.zeros((1, max(len(rows), 8), 6), dtype)
    raw[0, :len(rows)] = np.array(rows, dtype).reshape(-1, 6)
    return {'output0': raw}


def anchors(rows: Rows, dtype: Any = np.float32) -> Outputs:
    raw = dense(rows)['output0']
    objectness = np.full_like(raw[:, :1], 0.5)
    whole = np.concatenate([raw[:, :4], objectness, raw[:, 4:] * 2], 1)
    return {'output0': np.ascontiguousarray(whole.transpose(0, 2, 1), dtype)}


def candidates(rows: Rows, dtype: Any = np.float32) -> Outputs:
    raw = end_to_end(rows)['output0']
    return {'boxes_xyxy': raw[..., :4].astype(dtype), 'scores': raw[..., 4].astype(dtype),
            'class_ids': raw[..., 5].astype(np.int32),
            'checksum': raw.sum(dtype=np.float32).reshape(1)}


MAKERS: dict[str, Any] = {
    'yolo_dense': dense, 'yolo_anchors': anchors, 'yolo_end_to_end': end_to_end,
    'candidates': candidates, 'candidates_final': candidates}
DECODERS: dict[str, Any] = {
    **{name: HEADS[name].decode for name in MAKERS if name in HEADS},
    **{output_format.name: output_format.decode for output_format in TASKS['detect'].formats}}
SUPPRESSING = {'yolo_dense', 'yolo_anchors', 'candidates'}


def decode(head: str, rows: Rows, dtype: Any = np.float32,
           **thresholds: Any) -> Detections:
    return DECODERS[head](MAKERS[head](rows, dtype), LETTERBOX, Thresholds(**thresholds))


def test_every_detector_format_is_tested() -> None:
    assert set(MAKERS) == set(DECODERS)


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('head', MAKERS)
def test_outputs_without_detections(head: str, dtype: Any) -> None:
    found = decode(head, [], dtype)
    assert len(found) == 0
    assert found.boxes_xyxy.shape == (0, 4) and found.boxes_xyxy.dtype == np.float32


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('head', MAKERS)
def test_decoded_boxes(head: str, dtype: Any) -> None:
    found = decode(head, ROWS, dtype)
    kept = [0, 2, 3] if head in SUPPRESSING else [0, 1, 2, 3]
    np.testing.assert_allclose(found.boxes_xyxy, np.array(IN_SOURCE)[kept], atol=1e-3)
    np.testing.assert_array_equal(found.scores, [ROWS[row][4] for row in kept])
    np.testing.assert_array_equal(found.class_ids, [ROWS[row][5] for row in kept])
    assert found.boxes_xyxy.dtype == found.scores.dtype == np.float32
    assert found.class_ids.dtype == np.int64


@pytest.mark.parametrize('head', MAKERS)
def test_score_equal_to_the_threshold_is_kept(head: str) -> None:
    assert len(decode(head, ROWS[:1], confidence=0.875)) == 1
    assert len(decode(head, ROWS[:1], confidence=0.8751)) == 0


@pytest.mark.parametrize('head', MAKERS)
def test_class_filter_is_applied_before_the_limit(head: str) -> None:
    found = decode(head, ROWS, class_ids=frozenset({0}), max_detections=1)
    assert found.class_ids.tolist() == [0] and found.scores.tolist() == [0.625]
    assert len(decode(head, ROWS, class_ids=frozenset())) == 0


@pytest.mark.parametrize('head', MAKERS)
def test_best_detections_up_to_the_limit(head: str) -> None:
    found = decode(head, ROWS[::-1], max_detections=2)
    assert found.scores.tolist() == ([0.875, 0.625] if head in SUPPRESSING else [0.875, 0.75])


@pytest.mark.parametrize('nms_iou', [0.45, 0.99])
def test_nms_iou(nms_iou: float) -> None:
    assert len(decode('candidates', ROWS[:2], nms_iou=nms_iou)) == (1 if nms_iou < 0.9 else 2)


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize(('head', 'output', 'index'), [
    ('yolo_dense', 'output0', (0, 1, 7)),
    ('yolo_dense', 'output0', (0, 6, 7)),  # the score of a weak candidate
    ('yolo_anchors', 'output0', (0, 7, 4)),
    ('yolo_end_to_end', 'output0', (0, 7, 0)),
    ('candidates', 'boxes_xyxy', (0, 7, 3)),
    ('candidates', 'scores', (0, 0)),
    ('candidates_final', 'checksum', (0,)),
])
def test_outputs_that_are_not_finite_are_rejected(
        head: str, output: str, index: tuple[int, ...], dtype: Any, value: float) -> None:
    outputs = MAKERS[head](ROWS, dtype)
    outputs[output][index] = value
    size = outputs[output].size
    with pytest.raises(NetworkOutputError, match=f"1 of {size} .*'{output}'.*rebuild it in fp32"):
        DECODERS[head](outputs, LETTERBOX, Thresholds())


def test_opposite_infinities_are_rejected() -> None:
    outputs = dense(ROWS)
    outputs['output0'][0, 0, :2] = np.inf, -np.inf
    with pytest.raises(NetworkOutputError, match='2 of 56'):
        DECODERS['yolo_dense'](outputs, LETTERBOX, Thresholds())


@pytest.mark.parametrize(('head', 'shapes', 'match'), [
    ('yolo_dense', {}, 'expected one output'),
    ('yolo_dense', {'a': (1, 84, 10), 'b': (1, 84, 10)}, 'expected one output'),
    ('yolo_dense', {'a': (2, 84, 10)}, r'\(2, 84, 10\)'),
    ('yolo_dense', {'a': (1, 4, 10)}, r'\(1, 4, 10\).*4 \+ classes'),
    ('yolo_dense', {'a': (84, 10)}, r'\(84, 10\)'),
    ('yolo_end_to_end', {'a': (1, 10, 5)}, r'\(1, 10, 5\).*6 columns'),
    ('candidates', {'scores': (1, 5)}, 'expected boxes_xyxy'),
    ('candidates', {'boxes_xyxy': (1, 4, 4), 'scores': (1, 5), 'class_ids': (1, 5),
                    'checksum': (1,)}, r'boxes_xyxy \(1, 4, 4\).*expected \(1, K, 4\)'),
    ('candidates_final', {'boxes_xyxy': (1, 5, 4), 'scores': (1, 5), 'class_ids': (1, 6),
                          'checksum': (1,)}, r'class_ids \(1, 6\)'),
])
def test_wrong_shapes_are_rejected(head: str, shapes: dict[str, tuple[int, ...]],
                                   match: str) -> None:
    outputs: Any = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    with pytest.raises(NetworkOutputError, match=match):
        DECODERS[head](outputs, LETTERBOX, Thresholds())


def test_scores_are_reported_before_the_checksum() -> None:
    outputs = candidates(ROWS)
    outputs['scores'][0, :2] = outputs['checksum'][0] = np.nan
    with pytest.raises(NetworkOutputError, match="2 of 8 .*'scores'"):
        DECODERS['candidates'](outputs, LETTERBOX, Thresholds())


@pytest.mark.parametrize('head', MAKERS)
def test_outputs_are_not_modified(head: str) -> None:
    outputs = MAKERS[head](ROWS, np.float32)
    before = {name: values.copy() for name, values in outputs.items()}
    for values in outputs.values():
        values.setflags(write=False)
    DECODERS[head](outputs, LETTERBOX, Thresholds())
    for name, values in outputs.items():
        np.testing.assert_array_equal(values, before[name])


def test_30000_candidates() -> None:
    indices = np.arange(30000)
    left, top = indices % 600, 140 + indices // 600
    boxes = np.stack([left, top, left + 40, top + 40], 1).astype(np.float32)
    outputs: Any = {'boxes_xyxy': boxes[None], 'scores': np.linspace(1, 0.3, 30000)[None],
                    'class_ids': np.zeros((1, 30000), np.int32),
                    'checksum': np.ones(1, np.float32)}
    found = DECODERS['candidates'](outputs, LETTERBOX, Thresholds(max_detections=50))
    assert 0 < len(found) <= 50
    assert (np.diff(found.scores) <= 0).all()
