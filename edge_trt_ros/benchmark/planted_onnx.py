# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An ONNX file with planted objects, and engines of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from edge_trt_ros.benchmark.planted_objects import (CANDIDATES_PER_OBJECT, planted_objects,
                                                    PlantedObjects)
from edge_trt_ros.benchmark.road_frames import road_frames
from edge_trt_ros.convert.build import build
from edge_trt_ros.convert.graph.planted import planted_network
from edge_trt_ros.convert.options import BuildOptions, MAX_CANDIDATES
from edge_trt_ros.convert.plan import plan_build
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import warm_up
from edge_trt_ros.runtime.select import open_engine, Placement

# How strongly the network's own values remain: enough to keep its work, too little to matter.
_GAIN = 1e-4
_HEAD = 'yolo_dense'
_CALIBRATION_SIZE_WH = (1280, 720)


@dataclass(frozen=True)
class PlantedOnnx:
    """
    An ONNX file with planted objects.

    :param path: the file.
    :param objects: the objects.
    :param size_wh: width and height of the network's input in pixels.
    :param options: how engines of it are built.
    """

    path: Path
    objects: PlantedObjects
    size_wh: tuple[int, int]
    options: BuildOptions


@contextmanager
def planted_onnx(onnx: Path, precision: str, backend: str, objects: Sequence[int],
                 sizes_wh: Sequence[tuple[int, int]]) -> Iterator[PlantedOnnx]:
    """
    Write a file with planted objects, which exists while the context is open.

    :param onnx: an ONNX file of a detector with the output [1, 4 + classes, anchors].
    :param precision: precision of engines of it.
    :param backend: 'auto', or the library that runs them.
    :param objects: numbers of objects that are measured.
    :param sizes_wh: widths and heights of the images that are measured.
    :raises EdgeTrtError: if objects cannot be planted.
    """
    with TemporaryDirectory() as folder:
        calibration = str(_road_images(Path(folder) / 'road')) if precision == 'int8' else ''
        yield _planted(onnx, BuildOptions(
            backend=backend, precision=precision, calibration=calibration, max_candidates=min(
                max(1000, CANDIDATES_PER_OBJECT * max(*objects, 1)), MAX_CANDIDATES)),
            max(*objects, 1), sizes_wh, Path(folder) / 'planted.onnx')


def _planted(onnx: Path, options: BuildOptions, most: int, sizes_wh: Sequence[tuple[int, int]],
             path: Path) -> PlantedOnnx:
    plan = plan_build(onnx, options)
    pixels = plan.input_kinds[0]
    if plan.found.name != _HEAD or not isinstance(pixels, ImageInput):
        raise ConfigurationError(
            f'objects cannot be planted in {onnx}, whose head is {plan.found.name}: use a '
            'detector with the output [1, 4 + classes, anchors], such as YOLOv8 or YOLO11')
    planted = planted_objects(plan.found.shape(), pixels.size_wh, sizes_wh, most)
    path.write_bytes(planted_network(onnx, planted.values, _GAIN))
    return PlantedOnnx(path, planted, pixels.size_wh, options)


def _road_images(folder: Path) -> Path:
    """Write images to calibrate int8 with."""
    folder.mkdir()
    for index, frame in enumerate(road_frames(_CALIBRATION_SIZE_WH)):
        (folder / f'{index}.png').write_bytes(cv2.imencode('.png', frame.pixels)[1].tobytes())
    return folder


def opened(path: Path, options: BuildOptions, placement: Placement) -> Runtime:
    """Build an ONNX file in memory and open it; the caller closes it."""
    built = build(plan_build(path, options))
    runtime = open_engine(built.engine, built.manifest, options.backend, placement).runtime
    warm_up(runtime)
    return runtime
