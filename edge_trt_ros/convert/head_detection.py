"""
Which head is this? Told from shapes and metadata, and refused rather than guessed.

Ultralytics exports carry what we need as ONNX metadata: `task`, `names` (a Python dict),
`imgsz`, `stride`, and `end2end` in newer ones. Other exports are told by their shapes alone:
the number of anchors of a dense head is the number of cells of its grids.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from edge_trt_ros.convert.check_onnx import CheckedOnnx
from edge_trt_ros.errors import ModelError

KNOWN_HEADS = (
    'yolo_dense: one output [1, 4 + classes, anchors] (Ultralytics v8, 11, 12)',
    'yolo_anchors: one output [1, 3 * cells, 5 + classes] (Ultralytics v5; v7 with its grid)',
    'yolo_end_to_end: one output [1, boxes, 6] (Ultralytics v10, 26)',
)
_STRIDE_SETS = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))
_MAX_END_TO_END_BOXES = 1000
# Of v5 and v7, at each cell.
_ANCHORS = 3


@dataclass(frozen=True)
class DetectionHead:
    """
    The head of a detector.

    :param name: a key of `vision.postprocess.HEADS`.
    :param task: 'detect'.
    :param labels: class names; the index is the class.
    :param boxes: how many boxes the head gives for each image.
    """

    name: str
    task: str
    labels: tuple[str, ...]
    boxes: int


def detect_head(onnx: CheckedOnnx, labels: tuple[str, ...] = ()) -> DetectionHead:
    """
    Tell the head of a model.

    :param onnx: the checked model.
    :param labels: class names given by the user; empty takes those of the metadata.
    :raises ModelError: for a head that is not known, with the shapes seen and those known, or
        for labels whose number is not that of the head.
    """
    task = onnx.metadata.get('task', 'detect')
    shapes = [output.shape for output in onnx.outputs]
    if task != 'detect' or len(shapes) != 1 or len(shapes[0]) != 3 or -1 in shapes[0] \
            or shapes[0][0] != 1 or onnx.outputs[0].dtype not in ('float32', 'float16'):
        raise _unknown(onnx, task)
    given = labels or labels_from_metadata(onnx.metadata)
    _, rows, columns = shapes[0]
    height, width = onnx.image_input.shape[2:]
    cells, is_end_to_end = _grid_cells(width, height), onnx.metadata.get('end2end') == 'True'
    anchors = {_ANCHORS * count for count in cells}
    fits = []
    if rows > 4 and columns in cells:
        fits.append(('yolo_dense', rows - 4, columns))
    # YOLOX has one row for each cell, and does not say whether its boxes are decoded: refused.
    if columns > 5 and rows in anchors and not is_end_to_end:
        fits.append(('yolo_anchors', columns - 5, rows))
    if len(fits) > 1:  # a small input, or very many classes
        fits = [fit for fit in fits if fit[1] == len(given)]
    if fits:
        name, classes, boxes = fits[0]
        _check_labels(given, classes)
        return DetectionHead(name, task, given or _numbered(classes), boxes)
    if columns == 6 and (is_end_to_end or (
            rows <= _MAX_END_TO_END_BOXES and rows not in cells | anchors)):
        if not given:
            raise ModelError('the model ends in [1, boxes, 6], which does not tell how many '
                             'classes it has, and its metadata names none: give labels')
        return DetectionHead('yolo_end_to_end', task, given, rows)
    raise _unknown(onnx, task)


def _grid_cells(width: int, height: int) -> set[int]:
    return {sum(-(-width // stride) * -(-height // stride) for stride in strides)
            for strides in _STRIDE_SETS}


def labels_from_metadata(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """
    Return the class names that the metadata holds; none without.

    :raises ModelError: if what it holds cannot be read.
    """
    text = metadata.get('names', '')
    if not text:
        return ()
    try:
        names = ast.literal_eval(text)
        if isinstance(names, list):
            names = dict(enumerate(names))
        if sorted(names) != list(range(len(names))):
            raise ValueError('its keys are not 0, 1, 2, ...')
        return tuple(str(names[index]) for index in range(len(names)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ModelError(f"the ONNX metadata 'names' cannot be read ({error}): expected "
                         "{0: 'person', 1: 'car', ...}; give labels instead") from error


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(str(index) for index in range(count))


def _check_labels(labels: tuple[str, ...], classes: int) -> None:
    if labels and len(labels) != classes:
        raise ModelError(f'{len(labels)} labels are given, but the head has {classes} classes: '
                         'give one label for each class')


def _unknown(onnx: CheckedOnnx, task: str) -> ModelError:
    seen = '; '.join(map(str, onnx.outputs))
    return ModelError(
        f"the head is not known: task '{task}', outputs [{seen}] for input "
        f"{onnx.image_input}. Known are: {'; '.join(KNOWN_HEADS)}")
