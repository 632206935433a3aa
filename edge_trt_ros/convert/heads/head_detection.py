"""
Which head is this? Told from what it gives and from its metadata, and refused rather than guessed.

Ultralytics exports carry what we need as ONNX metadata: `task`, `names` (a Python dict),
`imgsz`, `stride`, and `end2end` in newer ones. Labels come from there or from the user, and
where a network can be read in two ways their number decides.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.heads.detector_families import FAMILIES, Reading
from edge_trt_ros.errors import ModelError
from edge_trt_ros.tensor_spec import TensorSpec

_BACKGROUND = ('background', '__background__')
# Of the networks that were trained on COCO, for whoever has to state them.
_KNOWN_ANCHORS = ('v5: 10,13,16,30,33,23,30,61,62,45,59,119,116,90,156,198,373,326; v7: '
                  '12,16,19,36,40,28,36,75,76,55,72,146,142,110,192,243,459,401')


@dataclass(frozen=True)
class DetectionHead:
    """
    The head of a network.

    :param name: a key of `vision.decoders.DECODERS`.
    :param task: what the network is for, as 'detect'.
    :param labels: class names; the index is the class.
    :param boxes: how many boxes the head gives for each image.
    :param roles: for each of the decoder's inputs the output that it is; empty passes the
        outputs on under their own names.
    :param contract: how pixels become the input, where the metadata does not say.
    :param anchors_wh: sizes of anchors in pixels, where the head leaves them to its user.
    """

    name: str
    task: str
    labels: tuple[str, ...]
    boxes: int
    roles: Mapping[str, TensorSpec] = field(default_factory=dict)
    contract: Mapping[str, Any] = field(default_factory=dict)
    anchors_wh: tuple[float, ...] = ()


def detect_head(onnx: CheckedOnnx, labels: tuple[str, ...] = (),
                anchors_wh: tuple[float, ...] = ()) -> DetectionHead:
    """
    Tell the head of a detector.

    :param onnx: the checked model.
    :param labels: class names given by the user.
    :param anchors_wh: sizes of anchors given by the user.
    :raises ModelError: for a head that is not known, with the shapes seen and those known; for
        labels or anchors that are missing or do not fit.
    """
    task = onnx.metadata.get('task', 'detect')
    readings = [reading for family in FAMILIES.values() for reading in family.read(onnx)]
    if task != 'detect' or not readings:
        raise _unknown(onnx, task)
    given = trusted_labels(onnx.metadata, labels)
    reading = _choose(onnx, readings, given)
    if reading.head == 'final_boxes' and reading.boxes and len(reading.roles['boxes'].shape) == 2 \
            and given[0].lower() not in _BACKGROUND:
        given = (_BACKGROUND[0], *given)  # torchvision counts it as the first
    anchors = _anchors(onnx.metadata, anchors_wh, reading) if reading.head == 'yolo_grids' else ()
    return DetectionHead(reading.head, task, given or _numbered(reading.classes), reading.boxes,
                         reading.roles, reading.contract, anchors)


def _choose(onnx: CheckedOnnx, readings: list[Reading], labels: tuple[str, ...]) -> Reading:
    certain = [one for one in readings if not one.needs_labels]
    if not labels:
        if len(certain) == 1 and len(readings) == 1:
            return certain[0]
        if not certain:
            raise ModelError(f"outputs [{'; '.join(map(str, onnx.outputs))}] do not tell how many "
                             'classes the network has, and its metadata names none: give labels')
        raise _unknown(onnx, 'detect')
    fitting = [one for one in readings if one.classes in (0, len(labels))]
    # What states its number of classes is told better than what takes any.
    fitting = [one for one in fitting if one.classes] or fitting
    if len(fitting) == 1:
        return fitting[0]
    counts = sorted({one.classes for one in readings})
    if not fitting and (certain or readings[0].head.startswith('detr')):
        raise ModelError(f'{len(labels)} labels are given, but the head has '
                         f"{' or '.join(map(str, counts))} classes: give one label for each class",
                         code='labels_mismatch')
    raise _unknown(onnx, 'detect')


def trusted_labels(metadata: Mapping[str, str], given: tuple[str, ...]) -> tuple[str, ...]:
    """
    Return the labels of the metadata, or else those that are given.

    :raises ModelError: if both are there and differ.
    """
    own = labels_from_metadata(metadata)
    if own and given and own != given:
        where = next((index for index, (one, other) in enumerate(zip(own, given))
                      if one != other), min(len(own), len(given)))
        raise ModelError(
            f'{len(given)} labels are given, but the ONNX names {len(own)} itself, and they '
            f'differ from class {where} on ({own[where:where + 1]} against '
            f'{given[where:where + 1]}): leave the labels out, or export with the right ones',
            code='labels_mismatch')
    return own or given


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
                         "{0: 'person', 1: 'car', ...}; export it again") from error


def _anchors(metadata: Mapping[str, str], given: tuple[float, ...], reading: Reading
             ) -> tuple[float, ...]:
    anchors = given
    if not anchors and metadata.get('anchors'):
        try:
            anchors = tuple(float(one) for one in _flat(ast.literal_eval(metadata['anchors'])))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
            raise ModelError(f"the ONNX metadata 'anchors' cannot be read ({error}): give "
                             'anchors') from error
    expected = 6 * len(reading.roles)
    if len(anchors) != expected or min(anchors) <= 0:
        raise ModelError(
            f'the head leaves its boxes to the sizes of anchors, {expected} numbers above 0 in '
            f'pixels, and {len(anchors)} are given: give anchors ({_KNOWN_ANCHORS}), or export '
            'it with its grid')
    return anchors


def _flat(values: Any) -> list[Any]:
    return [one for value in values for one in _flat(value)] if isinstance(
        values, (list, tuple)) else [values]


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(str(index) for index in range(count))


def _unknown(onnx: CheckedOnnx, task: str) -> ModelError:
    seen = '; '.join(map(str, onnx.outputs))
    known = '; '.join(f'{name}: {family.description}' for name, family in FAMILIES.items())
    return ModelError(f"the head is not known: task '{task}', outputs [{seen}] for input "
                      f'{onnx.image_input}. Known are: {known}', code='head_unknown')
