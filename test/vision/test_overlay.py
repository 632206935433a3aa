# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Boxes are drawn at the right position in the colour of their class."""

from __future__ import annotations

import numpy as np
import pytest

from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.drawing import class_color_bgr, draw_detections
from edge_trt_ros.vision.label_places import place_labels


def detections_of(*rows: tuple[float, ...]) -> Detections:
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


def test_drawing_no_detections() -> None:
    image = np.full((72, 128, 3), 50, np.uint8)
    assert draw_detections(image, Detections.empty(), ['car']) is image
    assert (image == 50).all()


def test_box_has_the_color_of_its_class() -> None:
    image = np.zeros((720, 1280, 3), np.uint8)
    draw_detections(image, detections_of((100, 200, 300, 400, 0.9, 1)), ['car', 'bus'])
    np.testing.assert_array_equal(image[300, 100], class_color_bgr(1))
    assert not image[300, 200].any()  # the inside is unchanged
    assert not image[500:].any()


def test_boxes_at_and_beyond_the_border() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    draw_detections(image, detections_of((-20, -20, 200, 200, 0.5, 0), (0, 0, 80, 60, 0.5, 0),
                                         (79, 59, 80, 60, 0.5, 0)), ['car'])


def test_class_without_a_label_shows_its_number() -> None:
    named, numbered = np.zeros((2, 90, 160, 3), np.uint8)
    draw_detections(named, detections_of((20, 40, 90, 80, 0.5, 7)), ['7'] * 8)
    draw_detections(numbered, detections_of((20, 40, 90, 80, 0.5, 7)), [])
    np.testing.assert_array_equal(named, numbered)


def test_class_colors_are_stable_and_distinct() -> None:
    colors = [class_color_bgr(class_id) for class_id in range(80)]
    assert colors == [class_color_bgr(class_id) for class_id in range(80)]
    assert len(set(colors)) == len(colors)
    first = np.array(colors[:8])
    assert min(np.abs(a - b).max() for i, a in enumerate(first) for b in first[:i]) >= 20


@pytest.mark.parametrize('count, spread', [(0, 1), (1, 1), (10, 0), (40, 200), (300, 400)])
def test_labels_do_not_cover_each_other_and_lie_in_the_image(count: int, spread: int) -> None:
    random = np.random.default_rng(count)
    boxes = [(x, y, x + 50, y + 80) for x, y in
             random.integers(300 - spread, 301 + spread, (count, 2)).tolist()]
    places = place_labels(boxes, [(70, 14)] * count, (640, 480))
    shown = [place for place in places if place is not None]
    covered = np.zeros((480, 640), np.int64)
    for left, top, right, bottom in shown:
        assert 0 <= left < right <= 640 and 0 <= top < bottom <= 480
        covered[top:bottom, left:right] += 1
    assert len(places) == count and covered.max() <= 1
    assert len(shown) >= min(count, 10) and (not count or places[0] is not None)


def test_a_label_that_is_larger_than_the_image_is_left_out() -> None:
    assert place_labels([(0, 0, 9, 9)], [(70, 14)], (32, 32)) == [None]
