# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Train a YOLOv8n and a classifier on the synthetic road, with Ultralytics, and export them.

    python -m edge_trt_ros.benchmark.gate.train --output DIR --minutes 15

They show the verification networks that do not share the demo's backbone. Ultralytics (AGPL-3.0)
is no dependency of this package: install it yourself.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
import shutil
import sys
from tempfile import TemporaryDirectory

from edge_trt_ros.benchmark.gate.road_data import write_crops, write_detection_data
from edge_trt_ros.errors import described, MissingLibraryError
from edge_trt_ros.optional_libraries import require

DETECTOR, CLASSIFIER = 'yolov8n_road', 'yolov8n_cls_road'
# Height and width of the detector's input; larger than in training, as in the demo.
DETECTOR_SIZE_HW, CLASSIFIER_SIDE = (256, 448), 96
_TRAINING_SIDE, _OPSET = 320, 18
_SCENE_IMAGES, _CROP_FRAMES = 600, 400
# The rest of the time; the classifier is quick.
_DETECTOR_SHARE = 0.9


def main(arguments: Sequence[str] | None = None) -> int:
    """Train both networks, and write their weights and ONNX files."""
    parser = argparse.ArgumentParser(prog='train', description=__doc__)
    parser.add_argument('--output', type=Path, required=True, help='folder for the networks')
    parser.add_argument('--minutes', type=float, default=15.0, help='of training, for both')
    options = parser.parse_args(arguments)
    try:
        require('ultralytics', 'training')  # fails now if it is missing, not after the rendering
    except MissingLibraryError as error:
        print(described(error), file=sys.stderr)
        return 1
    options.output.mkdir(parents=True, exist_ok=True)
    hours = options.minutes / 60
    with TemporaryDirectory() as name:
        folder = Path(name)
        crops = write_crops(folder / 'crops', _CROP_FRAMES)
        _train('yolov8n-cls', str(crops), CLASSIFIER_SIDE, 64, (1 - _DETECTOR_SHARE) * hours,
               options.output / CLASSIFIER)
        _export(options.output / CLASSIFIER, (CLASSIFIER_SIDE, CLASSIFIER_SIDE))
        data = write_detection_data(folder / 'scenes', _SCENE_IMAGES)
        _train('yolov8n', str(data), _TRAINING_SIDE, 8, _DETECTOR_SHARE * hours,
               options.output / DETECTOR)
        _export(options.output / DETECTOR, DETECTOR_SIZE_HW)
    return 0


def _train(architecture: str, data: str, side: int, batch: int, hours: float, target: Path
           ) -> None:
    """Train from random weights for a time, and keep the averaged weights as `.pt`."""
    yolo = require('ultralytics', 'training').YOLO(f'{architecture}.yaml')
    with TemporaryDirectory() as runs:
        yolo.train(data=data, time=hours, epochs=500, imgsz=side, batch=batch, device='cpu',
                   nbs=batch, workers=0, cache='ram', amp=False, plots=False, val=False,
                   pretrained=False, seed=0, optimizer='AdamW', lr0=2e-3, cos_lr=True,
                   close_mosaic=4, warmup_epochs=1.0, project=runs, name='run', verbose=False)
        shutil.copyfile(Path(runs) / 'run' / 'weights' / 'last.pt', target.with_suffix('.pt'))


def _export(target: Path, size_hw: tuple[int, int]) -> None:
    """Write the ONNX file next to the weights."""
    yolo = require('ultralytics', 'the export').YOLO(str(target.with_suffix('.pt')))
    yolo.export(format='onnx', imgsz=list(size_hw), opset=_OPSET, simplify=False, device='cpu')


if __name__ == '__main__':
    sys.exit(main())
