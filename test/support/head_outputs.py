# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Random raw outputs for each head that a GPU decodes, and how the device is to decode them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.heads import HEADS
from edge_trt_ros.heads.device import DeviceNetwork
from edge_trt_ros.runtime.device_decoding import DeviceDecoding
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.boxes import xyxy_to_xywh

SIZE_WH = (160, 128)
_CELLS = 20 * 16 + 10 * 8 + 5 * 4
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """
    A network of one head.

    :param head: name of the head.
    :param shapes: shape of each output by role.
    :param labels: number of classes.
    :param options: options of the decoder.
    """

    head: str
    shapes: Mapping[str, tuple[int, ...]]
    labels: int
    options: Mapping[str, Any] = field(default_factory=dict)

    def decoding(self, candidates: int = 1024, dtype: str = 'float32') -> DeviceDecoding:
        """Return what the device decodes; a role is the name of its output."""
        on_device = HEADS[self.head].on_device
        assert on_device is not None
        network = DeviceNetwork(self.shapes, SIZE_WH, self.labels, self.options)
        return DeviceDecoding(on_device(network), network, {
            role: TensorSpec(role, dtype, shape) for role, shape in self.shapes.items()},
            candidates, self.options)

    def arrays(self, seed: int, objects: int = 40) -> Arrays:
        """Return outputs with about this many confident objects, in clusters that overlap."""
        random = np.random.default_rng(seed)
        return {role: np.ascontiguousarray(values) for role, values in _ARRAYS.get(
            self.head, _dense)(self, random, objects).items()}


def _boxes_xyxy(random: np.random.Generator, rows: int) -> NDArray[np.float32]:
    centres = random.uniform(-20, 180, (12, 2))[random.integers(0, 12, rows)]
    centres += random.normal(0, 3, (rows, 2))
    halves = random.uniform(4, 24, (rows, 2))
    return np.concatenate([centres - halves, centres + halves], 1).astype(np.float32)


def _scores(random: np.random.Generator, rows: int, classes: int, objects: int
            ) -> NDArray[np.float32]:
    scores = random.uniform(0, 0.2, (rows, classes))
    for row in random.choice(rows, min(objects, rows), replace=False):
        scores[row, random.integers(0, classes)] = random.uniform(0.3, 0.95)
    return scores.astype(np.float32)


def _dense(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    role = next(iter(case.shapes))
    _, columns, rows = case.shapes[role]
    raw = random.normal(0, 1, (columns, rows)).astype(np.float32)
    raw[:4] = xyxy_to_xywh(_boxes_xyxy(random, rows)).T
    raw[4:4 + case.labels] = _scores(random, rows, case.labels, objects).T
    arrays = {role: raw[None]}
    if 'prototypes' in case.shapes:
        arrays['prototypes'] = random.normal(0, 1, case.shapes['prototypes']).astype(np.float32)
    return arrays


def _anchors(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    rows = case.shapes['output'][1]
    boxes = xyxy_to_xywh(_boxes_xyxy(random, rows))
    if case.head == 'yolox':
        boxes = random.normal(0, 1, boxes.shape).astype(np.float32)
    object_scores = random.uniform(0.8, 1, (rows, 1))
    return {'output': np.concatenate([boxes, object_scores, _scores(
        random, rows, case.labels, objects)], 1).astype(np.float32)[None]}


def _grids(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    arrays = {role: random.normal(0, 1, shape).astype(np.float32)
              for role, shape in case.shapes.items()}
    for values in arrays.values():
        values[..., 4:] = random.normal(-4, 1.5, values[..., 4:].shape)
        chosen = random.random(values.shape[:-1]) < objects / 1260
        values[chosen, 4:] = random.normal(3, 1, values[chosen, 4:].shape)
    return arrays


def _final(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    rows = case.shapes['output'][1]
    scores = _scores(random, rows, case.labels, objects)
    boxes = (_fractions if case.head == 'normalized_final' else _boxes_xyxy)(random, rows)
    if case.head == 'centernet':
        boxes = boxes / np.float32(4)
    return {'output': np.concatenate([
        boxes, scores.max(1)[:, None], scores.argmax(1)[:, None]],
        1).astype(np.float32)[None]}


def _final_with_more(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    _, rows, columns = case.shapes['rows']
    scores = _scores(random, rows, case.labels, objects)
    arrays = {'rows': np.concatenate([
        _boxes_xyxy(random, rows), scores.max(1)[:, None], scores.argmax(1)[:, None],
        random.normal(0, 1, (rows, columns - 6))], 1).astype(np.float32)[None]}
    if 'prototypes' in case.shapes:
        arrays['prototypes'] = random.normal(0, 1, case.shapes['prototypes']).astype(np.float32)
    return arrays


def _fractions(random: np.random.Generator, rows: int) -> NDArray[np.float32]:
    boxes = xyxy_to_xywh(_boxes_xyxy(random, rows)) / np.array(SIZE_WH * 2)
    return np.asarray(boxes, np.float32)


def _normalised(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    rows = case.shapes['output'][1]
    return {'output': np.concatenate([_fractions(random, rows), _scores(
        random, rows, case.labels, objects)], 1)[None]}


def _logits(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    _, rows, columns = case.shapes['logits']
    scores = _scores(random, rows, columns, objects)
    return {'logits': np.log(scores / (1 - scores) + 1e-6).astype(np.float32)[None] * 2,
            'boxes': _fractions(random, rows)[None]}


def _scored(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    rows, boxes = case.shapes['boxes'][1], _boxes_xyxy(random, case.shapes['boxes'][1])
    return {'boxes': (xyxy_to_xywh(boxes) if case.head == 'scored_centres' else boxes)[None],
            'scores': _scores(random, rows, case.labels, objects)[None]}


def _bins(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    """Return scores and logits of distances, in one output or in one of each kind for a grid."""
    arrays = {role: random.normal(0, 1, shape).astype(np.float32)
              for role, shape in case.shapes.items()}
    for role, values in arrays.items():
        if not role.startswith('bins'):
            values[0, :, :case.labels] = _scores(random, values.shape[1], case.labels,
                                                 objects // len(case.shapes) + 1)
    return arrays


def _of_tensorflow(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    rows = next(iter(case.shapes.values()))[1]
    scores = _scores(random, rows, case.labels, objects)
    boxes = _boxes_xyxy(random, rows)[:, [1, 0, 3, 2]]
    best, labels = scores.max(1), scores.argmax(1)
    if case.head == 'efficientdet_rows':
        return {'rows': np.concatenate([np.zeros((rows, 1)), boxes, best[:, None],
                                        labels[:, None]], 1).astype(np.float32)[None]}
    fractions = boxes / np.array(SIZE_WH[::-1] * 2)
    return {'boxes': fractions.astype(np.float32)[None], 'scores': best[None],
            'labels': labels.astype(np.float32)[None]}


def _people(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    values = random.uniform(0.2, 0.8, case.shapes['output']).astype(np.float32)
    if len(values.shape) == 3:
        values[..., 53:55] = values[..., 51:53] + 0.1
    return {'output': values}


def _own_masks(case: Case, random: np.random.Generator, objects: int) -> Arrays:
    return {**_logits(case, random, objects),
            'masks': random.normal(0, 1, case.shapes['masks']).astype(np.float32)}


_ARRAYS = {'yolo_anchors': _anchors, 'yolox': _anchors, 'yolo_grids': _grids,
           'yolo_end_to_end': _final, 'normalized_final': _final,
           'yolo_final_segment': _final_with_more, 'yolo_final_pose': _final_with_more,
           'normalized_rows': _normalised, 'detr_sigmoid': _logits, 'detr_softmax': _logits,
           'scored_corners': _scored, 'scored_centres': _scored, 'yolo_nas': _scored,
           'nanodet': _bins, 'picodet': _bins, 'tf_detection': _of_tensorflow,
           'efficientdet_rows': _of_tensorflow, 'centernet': _final, 'movenet': _people,
           'rf_detr': _logits, 'rf_detr_masks': _own_masks}
CASES = {case.head: case for case in (
    Case('yolo_dense', {'output': (1, 4 + 7, _CELLS)}, 7),
    Case('yolo_anchors', {'output': (1, 3 * _CELLS, 5 + 7)}, 7),
    Case('yolox', {'output': (1, _CELLS, 5 + 3)}, 3),
    Case('yolo_grids', {'grid_0': (1, 3, 16, 20, 8), 'grid_1': (1, 3, 8, 10, 8),
                        'grid_2': (1, 3, 4, 5, 8)}, 3,
         {'anchors_wh': (10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 98,
                         73, 26)}),
    Case('yolo_end_to_end', {'output': (1, 300, 6)}, 9),
    Case('normalized_final', {'output': (1, 300, 6)}, 9),
    Case('normalized_rows', {'output': (1, 300, 4 + 9)}, 9),
    Case('detr_sigmoid', {'logits': (1, 300, 9), 'boxes': (1, 300, 4)}, 9),
    Case('detr_softmax', {'logits': (1, 100, 10), 'boxes': (1, 100, 4)}, 9),
    Case('scored_corners', {'boxes': (1, _CELLS, 4), 'scores': (1, _CELLS, 5)}, 5),
    Case('scored_centres', {'boxes': (1, _CELLS, 4), 'scores': (1, _CELLS, 5)}, 5),
    Case('yolo_pose', {'output': (1, 4 + 2 + 51, _CELLS)}, 2, {'keypoint_shape': (17, 3)}),
    Case('yolo_oriented', {'output': (1, 4 + 5 + 1, _CELLS)}, 5),
    Case('yolo_final_segment', {'rows': (1, 300, 6 + 8), 'prototypes': (1, 8, 32, 40)}, 3),
    Case('yolo_final_pose', {'rows': (1, 300, 6 + 51)}, 2, {'keypoint_shape': (17, 3)}),
    Case('yolo_nas', {'boxes': (1, _CELLS, 4), 'scores': (1, _CELLS, 5)}, 5),
    Case('nanodet', {'output': (1, _CELLS, 5 + 32)}, 5, {'shift': 0.5}),
    Case('picodet', {f'{role}_{index}': (1, count, columns) for role, columns in (
        ('scores', 5), ('bins', 32)) for index, count in enumerate((320, 80, 20, 6))}, 5),
    Case('tf_detection', {'boxes': (1, 100, 4), 'scores': (1, 100), 'labels': (1, 100)}, 9),
    Case('efficientdet_rows', {'rows': (1, 100, 7)}, 9),
    Case('centernet', {'output': (1, 100, 6)}, 9),
    Case('movenet', {'output': (1, 6, 56)}, 1, {'keypoint_shape': (17, 3)}),
    Case('rf_detr', {'logits': (1, 300, 10), 'boxes': (1, 300, 4)}, 9, {'classes': 9}),
    Case('rf_detr_masks', {'logits': (1, 100, 9), 'boxes': (1, 100, 4),
                           'masks': (1, 100, 32, 40)}, 9, {'classes': 9}),
    Case('yolo_segment', {'anchors': (1, 4 + 3 + 8, _CELLS), 'prototypes': (1, 8, 32, 40)}, 3))}
