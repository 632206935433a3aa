# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An accuracy report as a page: the table, and the images on which precisions differ most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.evaluation.accuracy import Accuracy
from edge_trt_ros.evaluation.accuracy_picture import COLUMNS
from edge_trt_ros.evaluation.disagreement import (as_detections, Disagreement,
                                                  greatest_disagreements, MIN_SCORE_GAP, Side)
from edge_trt_ros.html_page import Html, picture, table, tag, write_page
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.drawing import draw_detections

IMAGES_PER_PRECISION = 4
# All pictures of a page together; base64 adds a third.
_JPEG_BYTES = 2_000_000
_MAX_WIDTH, _MAX_LISTED = 800, 12
_PAIRED_BGR = (150, 150, 150)


def write_accuracy_page(path: Path, accuracy: Accuracy, images: Sequence[Path],
                        read: Callable[[Path], Frame]) -> None:
    """
    Write the page; it has less than 3 MB.

    :param path: the HTML file.
    :param accuracy: the comparison.
    :param images: its image files.
    :param read: reads an image file as bgr8.
    :raises OSError: if the page cannot be written.
    """
    report = accuracy.report
    rows, reference = report['rows'], report['held_against']
    pairs = [(reference, row['precision'], accuracy.detections[0], found)
             for row, found in zip(rows[1:], accuracy.detections[1:])]
    if not pairs and accuracy.truths is not None:
        pairs = [('labels', reference, [as_detections(truth) for truth in accuracy.truths],
                  accuracy.detections[0])]
    limit = _JPEG_BYTES // max(2 * IMAGES_PER_PRECISION * len(pairs), 1)
    sections: list[Html] = []
    for name, other, expected, found in pairs:
        sections += _section(name, other, greatest_disagreements(
            expected, found, IMAGES_PER_PRECISION), accuracy.labels, images, read, limit)
    labelled = 'labelled ' if report['labelled'] else ''
    write_page(
        path, f"Accuracy of {Path(report['onnx']).name}",
        tag('p', f"{report['images']} {labelled}images, built by {rows[0]['built_by']}, run by "
            f"{rows[0]['run_by']}; agreement and drift are against {reference}."),
        _table(accuracy), *sections)


def _table(accuracy: Accuracy) -> Html:
    rows = accuracy.report['rows']
    columns = [column for column in COLUMNS if any(row[column[1]] is not None for row in rows)]
    return table([heading for heading, *_ in columns],
                 [[form.format(row[name]) if row[name] is not None else ''
                   for _, name, form, _ in columns] for row in rows])


def _section(name: str, other: str, worst: Sequence[Disagreement], labels: Sequence[str],
             images: Sequence[Path], read: Callable[[Path], Frame], limit: int) -> list[Html]:
    heading = tag('h2', f'{other} against {name}')
    if not worst:
        return [heading, tag('p', 'In all images each box has a partner of the same class with '
                             f'the same score, to within {MIN_SCORE_GAP}.')]
    explained = ('The images with the most boxes without a partner (same class, IoU of at least '
                 '0.5), then with the largest difference of scores. Boxes that differ are '
                 'coloured, the others are gray.')
    return [heading, tag('p', explained), *(
        _figure((name, other), one, labels, images[one.index], read, limit) for one in worst)]


def _figure(names: tuple[str, str], one: Disagreement, labels: Sequence[str], image: Path,
            read: Callable[[Path], Frame], limit: int) -> Html:
    pixels = read(image).pixels
    sides = list(zip(names, (one.expected, one.found)))
    pictures = [tag('div', f'{name}, {len(side.boxes)} boxes', picture(
        _jpeg(_drawn(pixels, side, labels), limit), f'{image.name}, boxes of {name}'))
        for name, side in sides]
    listed = [f'only in {name}: {_listed(side.alone, labels)}'
              for name, side in sides if len(side.alone)]
    gap = f'largest difference of scores in a pair: {one.score_gap:.3f}'
    return tag('figure', tag('h3', image.name), tag('div', *pictures, class_='pair'),
               tag('figcaption', '; '.join([*listed, gap])))


def _listed(boxes: Detections, labels: Sequence[str]) -> str:
    texts = [f'{labels[number] if number < len(labels) else number} {score:.2f}'
             for number, score in zip(boxes.class_ids.tolist(), boxes.scores.tolist())]
    more = f' and {len(texts) - _MAX_LISTED} more' if len(texts) > _MAX_LISTED else ''
    return ', '.join(texts[:_MAX_LISTED]) + more


def _drawn(pixels: NDArray[np.uint8], side: Side, labels: Sequence[str]) -> NDArray[np.uint8]:
    # Scaled first, so that lines and labels keep their size.
    scale = min(1.0, _MAX_WIDTH / pixels.shape[1])
    image = np.ascontiguousarray(cv2.resize(pixels, None, fx=scale, fy=scale,
                                            interpolation=cv2.INTER_AREA))
    boxes = side.boxes
    scaled = Detections(boxes.boxes_xyxy * np.float32(scale), boxes.scores, boxes.class_ids,
                        angles_rad=boxes.angles_rad)
    for left, top, right, bottom in scaled[~side.differs].boxes_xyxy.round().astype(int).tolist():
        cv2.rectangle(image, (left, top), (right, bottom), _PAIRED_BGR, 1, cv2.LINE_AA)
    return draw_detections(image, scaled[side.differs], labels)


def _jpeg(image: NDArray[np.uint8], limit: int) -> bytes:
    """Return a JPEG of at most `limit` bytes: with a lower quality, then with fewer pixels."""
    while True:
        for quality in (85, 70, 50):
            data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(data) <= limit or min(image.shape[:2]) < 64:
                return data
        image = cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
