"""
The families of detectors: what each gives, and how it is told from the others.

A family is told by the shapes, types and names of its outputs and, where those leave two
readings, by the operators that make them: a box that comes straight from a convolution is not
decoded yet. What is still open is refused; `head_detection` has the last word with the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge_trt_ros.convert.graph.adapt import PLUGIN_BOXES, PLUGIN_SCORES, TARGET_SIZES
from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.edit import all_nodes
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.grids import cell_counts

MAX_END_TO_END_BOXES = 1000
# Rows that are kept of a network that gives as many as it sees.
OPEN_ROWS = 1000
# Of v5 and v7, at each cell.
_ANCHORS = 3
_MOVING = ('Cast', 'Flatten', 'Gather', 'Identity', 'Reshape', 'Slice', 'Split', 'Squeeze',
           'Transpose', 'Unsqueeze')
_YOLOX = {'color_order': 'bgr', 'scale': 1.0}
_IMAGENET = {'mean': (0.485, 0.456, 0.406), 'std': (0.229, 0.224, 0.225)}
_FLOATS, _INTEGERS = ('float32', 'float16'), ('int32', 'int64')


@dataclass(frozen=True)
class Reading:
    """
    One way to read a network's outputs.

    :param head: a key of `vision.decoders.HEADS`.
    :param classes: how many classes it has so; 0 where the shapes do not tell.
    :param boxes: how many boxes it gives for each image.
    :param roles: for each of the decoder's inputs the output that it is.
    :param contract: how its family turns pixels into the input, where it is not as Ultralytics.
    :param needs_labels: whether only labels make it certain.
    """

    head: str
    classes: int
    boxes: int
    roles: Mapping[str, TensorSpec]
    contract: Mapping[str, Any] = field(default_factory=dict)
    needs_labels: bool = False


@dataclass(frozen=True)
class Family:
    """
    Detectors with one kind of output.

    :param description: for the list of what is known.
    :param read: gives the ways in which a network could be one of them.
    """

    description: str
    read: Callable[[CheckedOnnx], list[Reading]]


def _dense(onnx: CheckedOnnx) -> list[Reading]:
    output = _only(onnx)
    if output is None or output.shape[1] <= 4 or output.shape[2] not in _cells(onnx):
        return []
    return [Reading('yolo_dense', output.shape[1] - 4, output.shape[2], {'output': output})]


def _rows_of_anchors(onnx: CheckedOnnx) -> list[Reading]:
    output = _only(onnx)
    anchors = {_ANCHORS * count for count in _cells(onnx)}
    if output is None or output.shape[2] <= 5 or output.shape[1] not in anchors \
            or onnx.metadata.get('end2end') == 'True':
        return []
    return [Reading('yolo_anchors', output.shape[2] - 5, output.shape[1], {'output': output})]


def _rows_of_cells(onnx: CheckedOnnx) -> list[Reading]:
    output = _only(onnx)
    if output is None or output.shape[2] <= 5 or output.shape[1] not in _cells(onnx) \
            or onnx.metadata.get('end2end') == 'True':
        return []
    makers = _makers(onnx, [output.name])
    if not makers:
        return []
    raw = makers <= {'Conv', 'Sigmoid'} and 'Conv' in makers
    return [Reading('yolox' if raw else 'yolo_anchors', output.shape[2] - 5, output.shape[1],
                    {'output': output}, _YOLOX if raw or 'Exp' in _near(onnx, output.name) else {},
                    needs_labels=True)] if raw or makers & {'Add', 'Mul', 'ScatterND'} else []


def _end_to_end(onnx: CheckedOnnx) -> list[Reading]:
    output = _only(onnx)
    if output is None or output.shape[2] != 6:
        return []
    dense = set(_cells(onnx)) | {_ANCHORS * count for count in _cells(onnx)}
    if onnx.metadata.get('end2end') != 'True' and (
            output.shape[1] > MAX_END_TO_END_BOXES or output.shape[1] in dense):
        return []
    return [Reading('yolo_end_to_end', 0, output.shape[1], {'output': output}, needs_labels=True)]


def _grids(onnx: CheckedOnnx) -> list[Reading]:
    width, height = onnx.image_input.shape[3], onnx.image_input.shape[2]
    outputs = sorted(onnx.outputs, key=lambda one: -one.shape[2] if len(one.shape) == 5 else 0)
    if not 2 <= len(outputs) <= 4 or any(
            len(one.shape) != 5 or one.shape[:2] != (1, _ANCHORS) or min(one.shape) < 1
            or one.shape[4] <= 5 or one.shape[4] != outputs[0].shape[4]
            or one.dtype not in _FLOATS for one in outputs):
        return []
    strides = tuple(width // one.shape[3] for one in outputs)
    if strides not in set(_cells(onnx).values()) or any(
            (one.shape[2] * stride, one.shape[3] * stride) != (height, width)
            for one, stride in zip(outputs, strides)):
        return []
    if _makers(onnx, [one.name for one in outputs]) != {'Conv'}:
        return []
    boxes = sum(_ANCHORS * one.shape[2] * one.shape[3] for one in outputs)
    return [Reading('yolo_grids', outputs[0].shape[4] - 5, boxes,
                    {f'grid_{index}': one for index, one in enumerate(outputs)})]


def _normalized_rows(onnx: CheckedOnnx) -> list[Reading]:
    output = _only(onnx)
    if output is None or not 4 < output.shape[2] or output.shape[1] > MAX_END_TO_END_BOXES \
            or output.shape[1] in _cells(onnx) or _makers(onnx, [output.name]) != {'Sigmoid'}:
        return []
    return [Reading('normalized_rows', output.shape[2] - 4, output.shape[1], {'output': output},
                    needs_labels=True)]


def _detr(onnx: CheckedOnnx) -> list[Reading]:
    logits = [one for one in onnx.outputs if 'logits' in one.name]
    boxes = [one for one in onnx.outputs if 'boxes' in one.name]
    if len(onnx.outputs) != 2 or len(logits) != 1 or len(boxes) != 1 or logits == boxes \
            or not all(_is(one, _FLOATS, 3) for one in onnx.outputs) \
            or boxes[0].shape[2] != 4 or boxes[0].shape[1] != logits[0].shape[1] \
            or logits[0].shape[2] < 2:
        return []
    roles = {'logits': logits[0], 'boxes': boxes[0]}
    _, queries, classes = logits[0].shape
    return [Reading('detr_sigmoid', classes, queries, roles, needs_labels=True),
            Reading('detr_softmax', classes - 1, queries, roles, _IMAGENET, needs_labels=True)]


def _final(onnx: CheckedOnnx) -> list[Reading]:
    roles = _roles_by_kind(onnx.outputs)
    if roles is None or not _is_detection(roles):
        return []
    if TARGET_SIZES in onnx.adapted and roles['scores'].shape[0] == 1 \
            and len(roles['boxes'].shape) == 3 and roles['boxes'].shape[1] > 0:
        return [Reading('final_boxes', 0, roles['boxes'].shape[1], roles, needs_labels=True)]
    # torchvision's: as many rows as it sees, after a suppression of its own.
    if len(roles['boxes'].shape) == 2 and roles['boxes'].shape[0] == -1 \
            and _has(onnx, 'NonMaxSuppression'):
        return [Reading('final_boxes', 0, OPEN_ROWS, roles, needs_labels=True)]
    return []


def _counted(onnx: CheckedOnnx) -> list[Reading]:
    roles = _roles(onnx.outputs, count=('num_dets', 'num_detections'),
                   boxes=('boxes', 'det_boxes', 'bboxes'), scores=('scores', 'det_scores'),
                   labels=('classes', 'det_classes', 'labels'))
    if roles is None or not _is_detection(roles) or len(roles['boxes'].shape) != 3 \
            or roles['boxes'].shape[1] < 1 or not _is(roles['count'], _INTEGERS, 2) \
            or roles['count'].shape != (1, 1):
        return []
    return [Reading('counted_boxes', 0, roles['boxes'].shape[1], roles, needs_labels=True)]


def _suppressed_rows(onnx: CheckedOnnx) -> list[Reading]:
    if len(onnx.outputs) != 1 or onnx.outputs[0].shape != (-1, 7) \
            or onnx.outputs[0].dtype not in _FLOATS or not _has(onnx, 'NonMaxSuppression'):
        return []
    return [Reading('rows_of_seven', 0, OPEN_ROWS, {'output': onnx.outputs[0]},
                    needs_labels=True)]


def _plugin(onnx: CheckedOnnx) -> list[Reading]:
    by_name = {one.name: one for one in onnx.outputs}
    heads = {PLUGIN_BOXES[0]: 'scored_corners', PLUGIN_BOXES[1]: 'scored_centres'}
    for name, head in heads.items():
        if set(by_name) == {name, PLUGIN_SCORES} and all(
                _is(one, _FLOATS, 3) for one in by_name.values()) \
                and by_name[name].shape[2] == 4 \
                and by_name[name].shape[1] == by_name[PLUGIN_SCORES].shape[1]:
            _, boxes, classes = by_name[PLUGIN_SCORES].shape
            return [Reading(head, classes, boxes,
                            {'boxes': by_name[name], 'scores': by_name[PLUGIN_SCORES]})]
    return []


FAMILIES: Mapping[str, Family] = {
    'yolo_dense': Family('one output [1, 4 + classes, anchors] (Ultralytics v8, v9, 11, 12)',
                         _dense),
    'yolo_anchors': Family('one output [1, 3 * cells, 5 + classes] (Ultralytics v5; v7 with its '
                           'grid)', _rows_of_anchors),
    'yolox': Family('one output [1, cells, 5 + classes] (YOLOX, v6), with labels',
                    _rows_of_cells),
    'yolo_grids': Family('outputs [1, 3, rows, columns, 5 + classes] of 2 to 4 grids (v5, v7 '
                         'without grid), with anchors', _grids),
    'yolo_end_to_end': Family('one output [1, boxes, 6] (Ultralytics v10, 26, or nms=True), with '
                              'labels', _end_to_end),
    'normalized_rows': Family('one output [1, queries, 4 + classes] of sigmoids (RT-DETR of '
                              'Ultralytics), with labels', _normalized_rows),
    'detr': Family('logits [1, queries, classes (+ 1)] and boxes [1, queries, 4] (DETR, RT-DETR), '
                   'with labels', _detr),
    'final_boxes': Family('boxes, scores and labels (RT-DETR with orig_target_sizes; SSD, '
                          'RetinaNet, Faster R-CNN of torchvision), with labels', _final),
    'counted_boxes': Family('num_dets [1, 1], boxes [1, n, 4], scores and classes [1, n], with '
                            'labels', _counted),
    'rows_of_seven': Family('one output [n, 7] after NonMaxSuppression (v7 with it inside), with '
                            'labels', _suppressed_rows),
    'efficient_nms': Family('boxes and scores into EfficientNMS_TRT', _plugin),
}


def _only(onnx: CheckedOnnx) -> TensorSpec | None:
    """Return the one output, if it is float [1, n, m]."""
    return onnx.outputs[0] if len(onnx.outputs) == 1 and _is(onnx.outputs[0], _FLOATS, 3) else None


def _is(one: TensorSpec, dtypes: Sequence[str], dimensions: int) -> bool:
    return one.dtype in dtypes and len(one.shape) == dimensions and one.shape[0] == 1 \
        and -1 not in one.shape


def _cells(onnx: CheckedOnnx) -> dict[int, tuple[int, ...]]:
    return cell_counts((onnx.image_input.shape[3], onnx.image_input.shape[2]))


def _roles(outputs: Sequence[TensorSpec], **names: Sequence[str]) -> dict[str, TensorSpec] | None:
    """Return each output's role, if each has just one name of one role."""
    by_name = {one.name: one for one in outputs}
    roles = {role: by_name[name] for role, known in names.items() for name in known
             if name in by_name}
    return roles if len(roles) == len(names) == len(outputs) else None


def _roles_by_kind(outputs: Sequence[TensorSpec]) -> dict[str, TensorSpec] | None:
    """
    Return boxes, scores and labels by what only they can be: fours, floats, integers.

    Not by name: torchvision gives them in an order of each network's own, so that exports with
    `output_names` often name scores what are labels.
    """
    boxes = [one for one in outputs if one.shape[-1:] == (4,) and len(one.shape) > 1]
    rest = [one for one in outputs if one not in boxes]
    scores = [one for one in rest if one.dtype in _FLOATS]
    labels = [one for one in rest if one.dtype in _INTEGERS]
    if (len(boxes), len(scores), len(labels)) != (1, 1, 1):
        return None
    return {'boxes': boxes[0], 'scores': scores[0], 'labels': labels[0]}


def _is_detection(roles: Mapping[str, TensorSpec]) -> bool:
    boxes, scores, labels = (roles[name] for name in ('boxes', 'scores', 'labels'))
    return boxes.shape[-1:] == (4,) and boxes.dtype in _FLOATS and scores.dtype in _FLOATS \
        and labels.dtype in _INTEGERS and scores.shape == labels.shape == boxes.shape[:-1]


def _has(onnx: CheckedOnnx, operator: str) -> bool:
    return any(node.op_type == operator for node in all_nodes(onnx.model.graph))


def _makers(onnx: CheckedOnnx, outputs: Sequence[str]) -> set[str]:
    """Return the operators that make what is only moved on its way to the outputs."""
    by_output = {name: node for node in onnx.model.graph.node for name in node.output}
    found, waiting, seen = set(), list(outputs), set()
    while waiting:
        node = by_output.get(waiting.pop())
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.op_type == 'Concat':
            waiting += node.input
        elif node.op_type in _MOVING:
            waiting.append(node.input[0])
        elif node.op_type != 'Constant':
            found.add(node.op_type)
    return found


def _near(onnx: CheckedOnnx, output: str) -> set[str]:
    """Return the operators between an output and the convolutions before it."""
    by_output = {name: node for node in onnx.model.graph.node for name in node.output}
    found, waiting, seen = set(), [output], set()
    while waiting:
        node = by_output.get(waiting.pop())
        if node is not None and id(node) not in seen and node.op_type != 'Conv':
            seen.add(id(node))
            found.add(node.op_type)
            waiting += node.input
    return found
