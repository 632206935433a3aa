# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Read the labels of images: a COCO file, or YOLO text files next to the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any

import numpy as np

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.files import read_file


def read_coco(path: Path, images: Sequence[Path], labels: Sequence[str]
              ) -> list[LabelledBoxes]:
    """
    Read a COCO detection file.

    :param path: JSON with `images`, `annotations` and `categories`.
    :param images: image files, matched to the file's `images` by file name.
    :param labels: the network's labels, matched to the categories by name.
    :returns: the labels of each image.
    :raises ConfigurationError: if the file is invalid, or an image or a category is unknown.
    """
    try:
        data = json.loads(read_file(path).decode('utf-8'))
        names = {int(entry['id']): str(entry['name']) for entry in data['categories']}
        ids = {Path(str(entry['file_name'])).name: entry['id'] for entry in data['images']}
        of_image: dict[Any, list[Mapping[str, Any]]] = {}
        for entry in data['annotations']:
            of_image.setdefault(entry['image_id'], []).append(entry)
        unknown = sorted(set(names.values()) - set(labels))
        if unknown:
            raise ConfigurationError(
                f"{path} has the categories {', '.join(unknown)}, but the network's labels are "
                f"{', '.join(labels)}: rename or remove those categories")
        missing = [image.name for image in images if image.name not in ids]
        if missing:
            raise ConfigurationError(f'{path} has no entry for {len(missing)} of {len(images)} '
                                     f'images, such as {missing[0]}: add them, or leave out '
                                     'those images')
        return [_labelled_boxes([_coco_row(entry, names, labels)
                                 for entry in of_image.get(ids[image.name], [])], path)
                for image in images]
    except OSError as error:
        raise ConfigurationError(f'{path} cannot be read: {error.strerror}') from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ConfigurationError(f'{path} is not a COCO detection file ({type(error).__name__}: '
                                 f'{error}): expected JSON with images, annotations and '
                                 'categories') from error


def _coco_row(entry: Mapping[str, Any], names: Mapping[int, str], labels: Sequence[str]
              ) -> list[float]:
    left, top, width, height = entry['bbox']
    return [left, top, left + width, top + height, labels.index(names[entry['category_id']]),
            entry.get('iscrowd', 0)]


def read_yolo(images: Sequence[Path], sizes_wh: Sequence[tuple[int, int]],
              labels: Sequence[str]) -> list[LabelledBoxes] | None:
    """
    Read YOLO text files: class, centre and size of each object, as fractions of the image size.

    They are next to the images, or in a folder `labels` next to the folder `images`.

    :param images: image files.
    :param sizes_wh: their sizes in pixels.
    :param labels: the network's labels.
    :returns: the labels of each image, none for an image without a file; None if there are no
        files.
    :raises ConfigurationError: if a file cannot be read or is invalid.
    """
    files = [next((path for path in (image.with_suffix('.txt'), image.parent.parent / 'labels'
                                     / f'{image.stem}.txt') if path.exists()), None)
             for image in images]
    if not any(files):
        return None
    return [_labelled_boxes(_yolo_rows(file, size_wh, labels) if file else [], file or image)
            for file, image, size_wh in zip(files, images, sizes_wh)]


def _yolo_rows(path: Path, size_wh: tuple[int, int], labels: Sequence[str]) -> list[list[float]]:
    rows = []
    width, height = size_wh
    try:
        lines = read_file(path).decode('utf-8').splitlines()
    except OSError as error:
        raise ConfigurationError(f'{path} cannot be read: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f'{path} is not UTF-8 text ({error}): expected a YOLO text file'
                                 ) from error
    for number, line in enumerate(lines, 1):
        try:
            class_id, x, y, w, h = map(float, line.split()[:5])
        except ValueError:
            if not line.strip():
                continue
            raise ConfigurationError(f"{path}, line {number} is '{line[:60]}', expected class, "
                                     'centre x, centre y, width and height') from None
        if class_id not in range(len(labels)):
            raise ConfigurationError(f'{path}, line {number} has class {class_id:g}, expected a '
                                     f'whole number from 0 to {len(labels) - 1}')
        rows.append([(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width,
                     (y + h / 2) * height, class_id, 0])
    return rows


def _labelled_boxes(rows: Sequence[Sequence[float]], path: Path) -> LabelledBoxes:
    table = np.array(rows, np.float64).reshape(-1, 6)
    if not np.isfinite(table).all():
        raise ConfigurationError(f'{path} contains boxes that are not finite: correct them')
    return LabelledBoxes(table[:, :4], table[:, 4].astype(np.int64), table[:, 5].astype(np.bool_))
