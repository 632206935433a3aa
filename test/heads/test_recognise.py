# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Heads are recognised from shapes and metadata; ambiguous heads are rejected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import pytest

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads import Given, recognise, RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec

NAMES = {'names': "{0: 'car', 1: 'truck', 2: 'pedestrian'}"}


def checked(*shapes: tuple[int, ...], metadata: Mapping[str, str] = NAMES, side: int = 640,
            dtype: str = 'float32') -> CheckedOnnx:
    outputs = tuple(TensorSpec(f'output{index}', dtype, shape)
                    for index, shape in enumerate(shapes))
    return CheckedOnnx(onnx.ModelProto(), '',
                       (TensorSpec('images', 'float32', (1, 3, side, side)),), outputs, metadata)


def detect_head(network: CheckedOnnx, labels: tuple[str, ...] = ()) -> RecognisedHead:
    return recognise(network, Given(labels=labels))


@pytest.mark.parametrize('shape, metadata, name, labels', [
    ((1, 7, 8400), NAMES, 'yolo_dense', ('car', 'truck', 'pedestrian')),
    ((1, 84, 8400), {}, 'yolo_dense', tuple(map(str, range(80)))),
    ((1, 5, 8400), {'names': "['person']"}, 'yolo_dense', ('person',)),
    ((1, 6, 8400), {}, 'yolo_dense', ('0', '1')),
    ((1, 25200, 85), {}, 'yolo_anchors', tuple(map(str, range(80)))),
    ((1, 25200, 6), {'names': "['person']"}, 'yolo_anchors', ('person',)),
    ((1, 300, 6), NAMES, 'yolo_end_to_end', ('car', 'truck', 'pedestrian')),
    ((1, 1200 + 4, 8400), {}, 'yolo_dense', tuple(map(str, range(1200)))),
])
def test_known_heads(shape: tuple[int, ...], metadata: Mapping[str, str], name: str,
                     labels: tuple[str, ...]) -> None:
    head = detect_head(checked(shape, metadata=metadata))
    assert (head.name, head.labels) == (name, labels)


@pytest.mark.parametrize('shapes, metadata', [
    (((1, 8400, 7),), NAMES),                     # transposed
    (((1, 8400, 85),), {}),                       # YOLOX: decoded or not?
    (((1, 8400, 6),), {'names': "['person']"}),   # the same with one class
    (((1, 7, 8399),), NAMES),                     # the number of cells fits no grid
    (((1, 4, 8400),), {}),                        # no classes
    (((1, 7, 8400), (1, 32, 160, 160)), NAMES),   # segmentation
    (((2, 7, 8400),), NAMES),                     # a batch
    (((1, 7, -1),), NAMES),                       # an open dimension
    ((), NAMES),
])
def test_unknown_heads_are_rejected_with_the_known_heads(
        shapes: tuple[tuple[int, ...], ...], metadata: Mapping[str, str]) -> None:
    with pytest.raises(ModelError, match='Known are: yolo_dense') as rejected:
        detect_head(checked(*shapes, metadata=metadata))
    assert all(str(list(shape)) in str(rejected.value) for shape in shapes)


def test_heads_of_another_task_are_reported() -> None:
    with pytest.raises(ModelError, match=r"task is 'pose', whose .*kpt_shape.*\[1, 7, 8400\]"):
        detect_head(checked((1, 7, 8400), metadata={**NAMES, 'task': 'pose'}))
    assert detect_head(checked((1, 1000), metadata={'task': 'classify'})).task == 'classify'
    with pytest.raises(ModelError, match="task 'paint'.*Known are: yolo_dense"):
        detect_head(checked((1, 7, 8400), metadata={**NAMES, 'task': 'paint'}))


@pytest.mark.parametrize('shape, side, names, name, classes', [
    ((1, 252, 85), 64, 80, 'yolo_anchors', 80), ((1, 252, 85), 64, 248, 'yolo_dense', 248)])
def test_labels_decide_between_two_heads(shape: tuple[int, ...], side: int, names: int,
                                         name: str, classes: int) -> None:
    metadata = {'names': str({index: f'c{index}' for index in range(names)})}
    head = detect_head(checked(shape, metadata=metadata, side=side))
    assert (head.name, len(head.labels)) == (name, classes)
    with pytest.raises(ModelError, match='Known are: yolo_dense'):
        detect_head(checked(shape, metadata={}, side=side))


def test_random_shapes_are_not_recognised() -> None:
    random = np.random.default_rng(0)
    rejected = 0
    while rejected < 2000:
        side = int(random.choice([160, 320, 640]))
        cells = [sum((side // stride) ** 2 for stride in strides)
                 for strides in ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))]
        near = [count + change for count in cells for change in (-1, 0, 1)]
        lengths = [4, 5, 6, 7, 84, 85, 300, 1001, *near, *(3 * count for count in near)]
        shapes = [(1, *(int(random.choice(lengths)) for _ in range(random.integers(1, 4))))
                  for _ in range(random.integers(1, 4))]
        if len(shapes) == 1 and len(shapes[0]) == 3 and (
                shapes[0][2] in cells and shapes[0][1] > 4
                or shapes[0][1] in [3 * count for count in cells] and shapes[0][2] > 5
                or shapes[0][2] == 6 and shapes[0][1] <= 1000 and shapes[0][1] not in cells):
            continue  # a known head
        rejected += 1
        with pytest.raises(ModelError):
            detect_head(checked(*shapes, side=side))


def is_known(outputs: dict[str, tuple[str, tuple[int, ...]]], labels: int) -> bool:
    """Return whether named outputs without an ONNX graph match a known head."""
    kinds = {name: kind for name, (kind, _) in outputs.items()}
    shapes = {name: shape for name, (_, shape) in outputs.items()}
    if set(outputs) == {'logits', 'pred_boxes'}:
        queries = shapes['logits'][1:2]
        return set(kinds.values()) == {'float32'} and shapes['logits'] in (
            (1, *queries, labels), (1, *queries, labels + 1)) \
            and shapes['pred_boxes'] == (1, *queries, 4)
    if set(outputs) == {'num_dets', 'boxes', 'scores', 'labels'}:
        count = shapes['scores'][1:]
        return kinds['num_dets'] == kinds['labels'] == 'int32' and shapes['num_dets'] == (1, 1) \
            and kinds['boxes'] == kinds['scores'] == 'float32' and len(count) == 1 \
            and shapes['scores'] == shapes['labels'] == (1, *count) \
            and shapes['boxes'] == (1, *count, 4)
    floats = set(kinds.values()) == {'float32'}
    if set(outputs) == {'detection_boxes', 'detection_scores', 'detection_classes',
                        'num_detections'}:
        count = shapes['detection_scores'][1:]
        return {kinds[name] for name in outputs if name != 'num_detections'} == {'float32'} \
            and len(count) == 1 and shapes['detection_boxes'] == (1, *count, 4) \
            and shapes['detection_classes'] == shapes['detection_scores']
    if set(outputs) in ({'dets', 'labels'}, {'pred_bboxes', 'pred_scores'}):
        (boxes, scores), more = shapes.values(), int('dets' in outputs)
        return floats and len(scores) == 3 and boxes == (1, scores[1], 4) \
            and labels in (scores[2], scores[2] - more) and scores[2] > more
    if set(outputs) == {'detections'}:
        return floats and shapes['detections'][2:] == (7,) and len(shapes['detections']) == 3
    return False


def test_random_names_and_dtypes_are_not_recognised() -> None:
    random = np.random.default_rng(1)
    sets = (('logits', 'pred_boxes'), ('boxes', 'scores', 'labels'), ('boxes', 'scores'),
            ('num_dets', 'boxes', 'scores', 'labels'), ('output0', 'output1'),
            ('detection_boxes', 'detection_scores', 'detection_classes', 'num_detections'),
            ('dets', 'labels'), ('dets', 'labels', 'masks'), ('pred_bboxes', 'pred_scores'),
            ('detections',), ('class_queries_logits', 'masks_queries_logits'),
            ('boxes', 'scores', 'labels', 'masks'))
    lengths, rejected, known = [1, 3, 4, 4, 7, 100, 100], 0, 0
    while rejected < 2000 or known < 50:
        names = sets[random.integers(len(sets))]
        outputs = {name: (str(random.choice(['float32', 'float32', 'int32'])),
                          (1, *(int(random.choice(lengths))
                                for _ in range(random.integers(1, 3)))))
                   for name in names}
        onnx_ = CheckedOnnx(
            onnx.ModelProto(), '', (TensorSpec('images', 'float32', (1, 3, 640, 640)),),
            tuple(TensorSpec(name, kind, shape) for name, (kind, shape) in outputs.items()), NAMES)
        if is_known(outputs, 3):
            detect_head(onnx_)
            known += 1
            continue
        rejected += 1
        with pytest.raises(ModelError):
            detect_head(onnx_)


@pytest.mark.parametrize('names, match', [
    ("{0: 'a', 2: 'b'}", 'keys'), ('not python', 'cannot be read'),
    ("__import__('os').system('true')", 'cannot be read'), ('{' * 1000, 'cannot be read'),
    ("{0: 'a'}", '1 labels are in the metadata, but the head has 3 classes'),
])
def test_invalid_labels_in_the_metadata(names: str, match: str) -> None:
    with pytest.raises(ModelError, match=match):
        detect_head(checked((1, 7, 8400), metadata={'names': names}))


def test_labels_must_match_the_metadata_and_the_head() -> None:
    own = ('car', 'truck', 'pedestrian')
    assert detect_head(checked((1, 7, 8400)), own).labels == own
    assert detect_head(checked((1, 7, 8400), metadata={}), ('x', 'y', 'z')).labels == (
        'x', 'y', 'z')
    with pytest.raises(ModelError, match=r'names 3 itself.* from class 1 on \(.*truck.*bus'):
        detect_head(checked((1, 7, 8400)), ('car', 'bus', 'pedestrian'))
    with pytest.raises(ModelError, match='from class 2 on'):
        detect_head(checked((1, 7, 8400)), ('car', 'truck'))
    with pytest.raises(ModelError, match='2 labels are given, but the head has 3'):
        detect_head(checked((1, 7, 8400), metadata={}), ('x', 'y'))
    with pytest.raises(ModelError, match='give labels'):
        detect_head(checked((1, 300, 6), metadata={}))


def test_integer_outputs_are_rejected() -> None:
    with pytest.raises(ModelError, match='not known'):
        detect_head(checked((1, 7, 8400), dtype='int32'))


def test_names_in_json_are_read() -> None:
    for names in ('{"0": "car", "1": "truck", "2": "pedestrian"}',
                  '["car", "truck", "pedestrian"]'):
        head = detect_head(checked((1, 7, 8400), metadata={'names': names}))
        assert head.labels == ('car', 'truck', 'pedestrian')


def test_an_unknown_head_says_that_the_task_was_assumed_and_how_to_state_it() -> None:
    with pytest.raises(ModelError, match=r"task 'detect' \(assumed\).*--task: classify") as error:
        detect_head(checked((1, 1000), metadata={}))
    assert len(str(error.value)) < 900
    with pytest.raises(ModelError, match="task 'detect', outputs"):
        detect_head(checked((1, 1000), metadata={'task': 'detect'}))
