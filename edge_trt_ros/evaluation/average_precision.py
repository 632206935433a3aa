# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""COCO average precision; the only file that requires pycocotools."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.optional_libraries import require
from edge_trt_ros.vision.detections import Detections


def coco_tools() -> tuple[Any, Any]:
    """
    Return the classes `COCO` and `COCOeval`.

    :raises MissingLibraryError: if pycocotools is not installed.
    """
    coco = require('pycocotools.coco', 'mAP').COCO
    return coco, require('pycocotools.cocoeval', 'mAP').COCOeval


def average_precision(truths: Sequence[LabelledBoxes], found: Sequence[Detections], classes: int
                      ) -> NDArray[np.float64]:
    """
    Return average precision, float64 (10, classes): IoU 0.50 to 0.95 in steps of 0.05.

    The value of a class without objects is NaN.

    :param truths: the objects in each image.
    :param found: the detections in each image, down to low scores.
    :param classes: number of classes.
    :raises MissingLibraryError: if pycocotools is not installed.
    """
    coco, coco_eval = coco_tools()
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image_id, (truth, detections) in enumerate(zip(truths, found), 1):
        for box, class_id, ignored in zip(_xywh(truth.boxes_xyxy), truth.class_ids.tolist(),
                                          truth.ignored.tolist()):
            # COCO ignores crowds: they count neither as missed nor as false alarms.
            annotations.append({
                'id': len(annotations) + 1, 'image_id': image_id, 'category_id': class_id,
                'bbox': box, 'area': box[2] * box[3], 'iscrowd': int(ignored)})
        for box, class_id, confidence in zip(_xywh(detections.boxes_xyxy),
                                             detections.class_ids.tolist(),
                                             detections.scores.tolist()):
            results.append({'image_id': image_id, 'category_id': class_id, 'bbox': box,
                            'score': confidence})
    if not results:
        return np.zeros((10, classes))
    with open(os.devnull, 'w') as nowhere, redirect_stdout(nowhere):
        reference = coco()
        reference.dataset = {
            'images': [{'id': number + 1} for number in range(len(truths))],
            'annotations': annotations,
            'categories': [{'id': number} for number in range(classes)]}
        reference.createIndex()
        evaluation = coco_eval(reference, reference.loadRes(results), 'bbox')
        evaluation.evaluate()
        evaluation.accumulate()
    # (IoU, recall, class, area, detections): all areas, at most 100 detections.
    precision = evaluation.eval['precision'][:, :, :, 0, 2]
    return np.asarray(np.where(precision < 0, np.nan, precision).mean(axis=1), np.float64)


def mean_average_precision(truths: Sequence[LabelledBoxes], found: Sequence[Detections],
                           classes: int) -> dict[str, float]:
    """
    Return mAP50 and mAP50-95, the means over the classes that the images contain.

    :param truths: the objects in each image.
    :param found: the detections in each image, down to low scores.
    :param classes: number of classes.
    :raises ConfigurationError: if no image contains an object.
    :raises MissingLibraryError: if pycocotools is not installed.
    """
    precision = average_precision(truths, found, classes)
    present = ~np.isnan(precision[0])
    if not present.any():
        raise ConfigurationError('the labels contain no objects, so mAP is undefined: '
                                 'give labelled images')
    return {'mAP50': round(float(precision[0, present].mean()), 4),
            'mAP50-95': round(float(precision[:, present].mean()), 4)}


def _xywh(boxes_xyxy: NDArray[Any]) -> list[list[float]]:
    sizes_wh = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    rows: list[list[float]] = np.concatenate((boxes_xyxy[:, :2], sizes_wh), axis=1).tolist()
    return rows
