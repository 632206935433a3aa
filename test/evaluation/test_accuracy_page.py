# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The page of an accuracy report: its figures, and the images that differ most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.html import Page

from edge_trt_ros.evaluation.accuracy import Accuracy
from edge_trt_ros.evaluation.accuracy_page import IMAGES_PER_PRECISION, write_accuracy_page
from edge_trt_ros.evaluation.disagreement import as_detections, greatest_disagreements
from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.sources.image_files import frame_from_file
from edge_trt_ros.vision.detections import Detections

SCRIPT = '<script>alert(1)<script>'
LABELS = ('car', SCRIPT)
SAME = [(10, 10, 60, 60, 0.9, 0)]
MORE = [*SAME, (100, 10, 160, 60, 0.5, 1), (100, 80, 160, 120, 0.45, 1)]


def boxes(rows: Sequence[Sequence[float]]) -> Detections:
    array = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(array[:, :4], array[:, 4], array[:, 5].astype(np.int64))


def row(precision: str) -> dict[str, Any]:
    return {'precision': precision, 'built_by': 'onnxruntime 1', 'run_by': SCRIPT,
            'latency_ms': 1.25, 'mAP50': None, 'mAP50-95': None, 'boxes': 3,
            'agreement_f1': 0.8125, 'score_drift': 0.0375, 'size_mb': 2.75}


def accuracy(detections: Sequence[Sequence[Detections]], truths: Any = None) -> Accuracy:
    rows = [row(precision) for precision in ('fp32', 'fp16', 'int8')[:len(detections)]]
    return Accuracy({'onnx': f'/a/{SCRIPT}.onnx', 'images': len(detections[0]),
                     'labelled': truths is not None, 'held_against': 'fp32', 'rows': rows},
                    LABELS, detections, truths)


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Write noise, the worst case of JPEG; the first name is hostile."""
    paths = [tmp_path / name for name in ('<img src=x onerror=alert(1)>.png', *(
        f'{index}.png' for index in range(5)))]
    for index, path in enumerate(paths):
        noise = np.random.default_rng(index).integers(0, 256, (600, 900, 3), np.uint8)
        path.write_bytes(cv2.imencode('.png', noise)[1].tobytes())
    return paths


def test_order_of_disagreement() -> None:
    gap = [(10, 10, 60, 60, 0.7, 0)]
    rounding = [(10, 10, 60, 60, 0.91, 0)]
    expected = [boxes(SAME)] * 5
    found = [boxes(rows) for rows in (rounding, gap, MORE, [], SAME)]
    worst = greatest_disagreements(expected, found, 10)
    assert [one.index for one in worst] == [2, 3, 1]
    assert [one.alone for one in worst] == [2, 1, 0]
    assert worst[2].score_gap == pytest.approx(0.2) and worst[2].found.differs.all()
    assert worst[0].found.differs.tolist() == [False, True, True]
    assert [one.index for one in greatest_disagreements(expected, found, 1)] == [2]


def test_page_shows_the_worst_images(images: list[Path], tmp_path: Path) -> None:
    reference = [boxes(SAME) for _ in images]
    found = [[boxes(MORE), *reference[1:]], [boxes(MORE)] * len(images)]
    write_accuracy_page(tmp_path / 'a.html', accuracy([reference, *found]), images,
                        frame_from_file)
    page = Page(tmp_path / 'a.html')
    assert page.tags.count('img') == 2 * (1 + IMAGES_PER_PRECISION)
    assert 'script' not in page.tags
    assert {'fp16 against fp32', images[0].name, 'fp32, 1 boxes', 'int8, 3 boxes',
            f'only in fp16: {SCRIPT} 0.50, {SCRIPT} 0.45; largest difference of scores in a '
            'pair: 0.000'} <= set(page.texts)
    assert {'0.8125', '0.0375', '1.25', '2.75'} <= set(page.texts) and 'mAP50' not in page.texts
    assert (tmp_path / 'a.html').stat().st_size < 3_000_000


def test_page_of_equal_precisions(images: list[Path], tmp_path: Path) -> None:
    same = [boxes(SAME) for _ in images]
    write_accuracy_page(tmp_path / 'a.html', accuracy([same, same]), images, frame_from_file)
    page = Page(tmp_path / 'a.html')
    assert 'img' not in page.tags and any('has a partner' in text for text in page.texts)


def test_single_precision_is_compared_with_the_labels(images: list[Path], tmp_path: Path) -> None:
    truth = LabelledBoxes(np.array([(10, 10, 60, 60), (0, 0, 9, 9)], float), np.array([0, 1]),
                          np.array([False, True]))
    assert len(as_detections(truth)) == 1
    write_accuracy_page(tmp_path / 'a.html', accuracy(
        [[boxes(MORE) for _ in images]], [truth] * len(images)), images, frame_from_file)
    page = Page(tmp_path / 'a.html')
    assert {'fp32 against labels', 'labels, 1 boxes'} <= set(page.texts)
