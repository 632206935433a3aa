"""
The heads of every task but plain detection, told by the task that is stated.

The task comes from the recipe or from the ONNX metadata (`task`, as Ultralytics writes it), and
the shapes must agree with it: nothing here is told from shapes alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.heads.head_detection import DetectionHead, trusted_labels
from edge_trt_ros.errors import ModelError
from edge_trt_ros.manifest import TOKENS

_FLOATS = ('float32', 'float16')
# What may stand between a softmax and the output without changing a value.
_TRANSPARENT = ('Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze')


@dataclass(frozen=True)
class TaskHead(DetectionHead):
    """
    The head of a network for another task than plain detection.

    :param keypoint_shape: keypoints of an object and numbers of each (2, or 3 with a score).
    """

    keypoint_shape: tuple[int, int] = (0, 0)


def detect_task_head(onnx: CheckedOnnx, task: str = '', labels: tuple[str, ...] = ()
                     ) -> TaskHead | None:
    """
    Tell the head of a network whose task is stated.

    :param onnx: the checked model.
    :param task: what the recipe states; '' takes the metadata.
    :param labels: class names given by the user; empty takes those of the metadata.
    :returns: the head, or None for a detector or a task that is not stated.
    :raises ModelError: if the outputs are not those of the task, with both of them.
    """
    task = task or onnx.metadata.get('task', '') or ('text' if TOKENS in onnx.adapted else '')
    if (task == 'text') != (TOKENS in onnx.adapted):
        raise ModelError(f"the task is '{task}', but the network takes {onnx.image_input}: "
                         "'text' is for those that take input_ids, and only for them")
    if task not in _HEADS:
        return None
    expected, tell = _HEADS[task]
    given = trusted_labels(onnx.metadata, labels)
    head = None
    if onnx.outputs and all(one.dtype in _FLOATS and -1 not in one.shape
                            for one in onnx.outputs):
        head = tell(onnx, len(given))
    if head is None:
        seen = '; '.join(map(str, onnx.outputs))
        raise ModelError(f"the task is '{task}', whose networks end in {expected}, but this one "
                         f'ends in [{seen}] for input {onnx.image_input}: correct the task, or '
                         'export again')
    classes = head.boxes if task in ('classify', 'semantic', 'text') else len(head.labels)
    if task == 'tensors':
        return head
    if given and len(given) != classes:
        raise ModelError(f'{len(given)} labels are given, but the head has {classes} classes: '
                         'give one label for each class', code='labels_mismatch')
    return replace(head, labels=given or tuple(map(str, range(classes))))


def _classify(onnx: CheckedOnnx, labels: int) -> TaskHead | None:
    output = onnx.outputs[0]
    if len(onnx.outputs) != 1 or len(output.shape) != 2 or output.shape[0] != 1 \
            or output.shape[1] < 2:
        return None
    name = 'classify_scores' if _ends_in_probabilities(onnx) else 'classify_logits'
    task = 'text' if TOKENS in onnx.adapted else 'classify'
    return TaskHead(name, task, (), output.shape[1])


def _ends_in_probabilities(onnx: CheckedOnnx) -> bool:
    makers = {name: node for node in onnx.model.graph.node for name in node.output}
    node = makers.get(onnx.outputs[0].name)
    while node is not None and node.op_type in _TRANSPARENT:
        node = makers.get(node.input[0])
    # Independent classes end in a sigmoid each: scores as well, though they do not add up to 1.
    return node is not None and node.op_type in ('Softmax', 'Sigmoid')


def _semantic(onnx: CheckedOnnx, labels: int) -> TaskHead | None:
    output = onnx.outputs[0]
    if len(onnx.outputs) != 1 or len(output.shape) != 4 or output.shape[0] != 1 \
            or not 2 <= output.shape[1] <= 65536:
        return None
    return TaskHead('semantic_logits', 'semantic', (), output.shape[1])


def _segment(onnx: CheckedOnnx, labels: int) -> TaskHead | None:
    if [len(output.shape) for output in onnx.outputs] != [3, 4]:
        return None
    anchors, prototypes = (output.shape for output in onnx.outputs)
    classes = anchors[1] - 4 - prototypes[1]
    if anchors[0] != 1 or prototypes[0] != 1 or classes < 1:
        return None
    return TaskHead('yolo_segment', 'segment', tuple(map(str, range(classes))), anchors[2])


def _pose(onnx: CheckedOnnx, labels: int) -> TaskHead | None:
    output, shape = onnx.outputs[0], _keypoint_shape(onnx)
    classes = output.shape[1] - 4 - shape[0] * shape[1] if len(output.shape) == 3 else 0
    if len(onnx.outputs) != 1 or output.shape[0] != 1 or classes < 1 or shape[0] < 1 \
            or shape[1] not in (2, 3):
        return None
    return TaskHead('yolo_pose', 'pose', tuple(map(str, range(classes))), output.shape[2],
                    keypoint_shape=shape)


def _keypoint_shape(onnx: CheckedOnnx) -> tuple[int, int]:
    try:
        keypoints, numbers = ast.literal_eval(onnx.metadata.get('kpt_shape', ''))
        return int(keypoints), int(numbers)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return 0, 0


def _obb(onnx: CheckedOnnx, labels: int) -> TaskHead | None:
    output = onnx.outputs[0]
    if len(onnx.outputs) != 1 or len(output.shape) != 3 or output.shape[0] != 1 \
            or output.shape[1] < 6:
        return None
    return TaskHead('yolo_oriented', 'obb', tuple(map(str, range(output.shape[1] - 5))),
                    output.shape[2])


def _tensors(onnx: CheckedOnnx, labels: int) -> TaskHead | None:
    return TaskHead('tensors', 'tensors', (), prod(onnx.outputs[0].shape))


_Tell = Callable[[CheckedOnnx, int], TaskHead | None]
_HEADS: dict[str, tuple[str, _Tell]] = {
    'classify': ('one output [1, classes] of 2 classes at least', _classify),
    'semantic': ('one output [1, classes, height, width] of 2 classes at least', _semantic),
    'segment': ('[1, 4 + classes + coefficients, anchors] and [1, coefficients, height, width]',
                _segment),
    'pose': ('[1, 4 + classes + keypoints * numbers, anchors], with the metadata kpt_shape as '
             '[17, 3]', _pose),
    'obb': ('[1, 4 + classes + 1, anchors]', _obb),
    'text': ('one output [1, classes] of 2 classes at least', _classify),
    'tensors': ('outputs of float32 or float16 with fixed shapes', _tensors),
}
