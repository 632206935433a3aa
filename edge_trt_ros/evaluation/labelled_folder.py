"""Images with the truth about them: a COCO file, or YOLO text files beside them."""

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
    :param images: image files; they are found in it by their names.
    :param labels: of the network; categories are found by their names.
    :returns: the truth of each image.
    :raises ConfigurationError: if it is no such file, or an image or a category is unknown.
    """
    try:
        data = json.loads(read_file(path).decode('utf-8'))
        names = {int(one['id']): str(one['name']) for one in data['categories']}
        ids = {Path(str(one['file_name'])).name: one['id'] for one in data['images']}
        of_image: dict[Any, list[Mapping[str, Any]]] = {}
        for one in data['annotations']:
            of_image.setdefault(one['image_id'], []).append(one)
        unknown = sorted(set(names.values()) - set(labels))
        if unknown:
            raise ConfigurationError(
                f"{path} has the categories {', '.join(unknown)}, unknown to the network: "
                f"its labels are {', '.join(labels)}")
        missing = [image.name for image in images if image.name not in ids]
        if missing:
            raise ConfigurationError(f'{path} does not name {len(missing)} of {len(images)} '
                                     f'images, as {missing[0]}')
        return [_truth([[one['bbox'][0], one['bbox'][1], one['bbox'][0] + one['bbox'][2],
                         one['bbox'][1] + one['bbox'][3], labels.index(names[one['category_id']]),
                         one.get('iscrowd', 0)] for one in of_image.get(ids[image.name], [])],
                       path) for image in images]
    except OSError as error:
        raise ConfigurationError(f'{path} cannot be read: {error.strerror}') from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ConfigurationError(f'{path} is no COCO detection file ({type(error).__name__}: '
                                 f'{error})') from error


def read_yolo(images: Sequence[Path], sizes_wh: Sequence[tuple[int, int]],
              labels: Sequence[str]) -> list[LabelledBoxes] | None:
    """
    Read YOLO text files: class, centre and size for each object, as shares of the image.

    They lie beside the images, or in a folder `labels` beside the folder `images`.

    :param images: image files.
    :param sizes_wh: their sizes in pixels.
    :param labels: of the network.
    :returns: the truth of each image, nothing for one without a file; None if none has one.
    :raises ConfigurationError: for a file that cannot be used.
    """
    files = [next((one for one in (image.with_suffix('.txt'), image.parent.parent / 'labels'
                                   / f'{image.stem}.txt') if one.exists()), None)
             for image in images]
    if not any(files):
        return None
    return [_truth(_yolo_rows(file, size_wh, labels) if file else [], file or image)
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
            raise ConfigurationError(f'{path}, line {number} is of class {class_id:g}, but the '
                                     f'network has {len(labels)}')
        rows.append([(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width,
                     (y + h / 2) * height, class_id, 0])
    return rows


def _truth(rows: Sequence[Sequence[float]], path: Path) -> LabelledBoxes:
    table = np.array(rows, np.float64).reshape(-1, 6)
    if not np.isfinite(table).all():
        raise ConfigurationError(f'{path} holds boxes that are not finite')
    return LabelledBoxes(table[:, :4], table[:, 4].astype(np.int64), table[:, 5].astype(np.bool_))
