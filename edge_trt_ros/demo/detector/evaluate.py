# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Measure a detector on frames of scenes that are not part of its training.

    python -m edge_trt_ros.demo.detector.evaluate MODEL.onnx --frames 500 --json

The model runs as a node would run it: converted, preprocessed and decoded by this package. Prints
recall and precision at one confidence, as the live score counts them, and COCO's mAP if
pycocotools is installed. Objects that are mostly hidden or a few pixels tall are ignored (see
`road/truth.py`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
import os
from pathlib import Path
import sys
from typing import Any

import numpy as np

from edge_trt_ros.demo.detector.model import CONFIDENCE, MODEL_PATH
from edge_trt_ros.demo.detector.samples import scene_frames, SOURCE_SIZE_WH, TEST_SEED
from edge_trt_ros.demo.road.scene import CLASS_NAMES
from edge_trt_ros.errors import ConfigurationError, described, EdgeTrtError
from edge_trt_ros.evaluation.average_precision import mean_average_precision
from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.evaluation.score import Score
from edge_trt_ros.opening import open_network
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.thresholds import Thresholds

# Average precision needs the detections down to low scores.
_FOR_AVERAGE_PRECISION = Thresholds(confidence=0.005, nms_iou=0.6)
_LIVE_NMS_IOU = 0.45
_FRAMES_PER_SCENE = 4


def evaluate(runtime: Runtime, frames: int, confidence: float) -> dict[str, Any]:
    """
    Return the figures of a detector.

    :param runtime: the open model, with the labels `CLASS_NAMES`.
    :param frames: number of unseen frames, at least 1.
    :param confidence: smallest score that counts for recall and precision.
    :raises ConfigurationError: if the model has other labels.
    """
    if tuple(runtime.manifest.labels) != CLASS_NAMES:
        raise ConfigurationError(f"the model has the labels {', '.join(runtime.manifest.labels)}, "
                                 f"expected {', '.join(CLASS_NAMES)}: give a model that was "
                                 'trained on the synthetic road')
    live = Thresholds(confidence, _LIVE_NMS_IOU)
    score, of_class = Score(), [Score() for _ in CLASS_NAMES]
    truths: list[LabelledBoxes] = []
    found: list[Detections] = []
    network_ms: list[float] = []
    for shot in scene_frames(TEST_SEED, frames, _FRAMES_PER_SCENE):
        frame = Frame(shot.image, 'bgr8', SOURCE_SIZE_WH, source='synthetic road')
        truth = shot.labelled_boxes()
        confident, stages_ms = detect(runtime, frame, live)
        network_ms.append(stages_ms['network'])
        score.add(truth, confident)
        for class_id, one_class in enumerate(of_class):
            one_class.add(truth.of_class(class_id), confident[confident.class_ids == class_id])
        truths.append(truth)
        found.append(detect(runtime, frame, _FOR_AVERAGE_PRECISION)[0])
    return {
        **_mean_average_precision(truths, found),
        'frames': frames, 'objects': score.hits + score.misses, 'confidence': confidence,
        'recall': round(score.recall, 4), 'precision': round(score.precision, 4),
        'network_ms': round(float(np.median(network_ms)), 2),
        'classes': {name: {'recall': round(one_class.recall, 4),
                           'precision': round(one_class.precision, 4)}
                    for name, one_class in zip(CLASS_NAMES, of_class)}}


def _mean_average_precision(truths: Sequence[LabelledBoxes], found: Sequence[Detections]
                            ) -> dict[str, float | None]:
    try:
        return {**mean_average_precision(truths, found, len(CLASS_NAMES))}
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return {'mAP50': None, 'mAP50-95': None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate a model and print its figures."""
    parser = argparse.ArgumentParser(
        prog='evaluate', description='Measure a detector on unseen frames of the synthetic road.')
    parser.add_argument('model', type=Path, nargs='?', default=MODEL_PATH,
                        help='an ONNX file, or an engine with its manifest')
    parser.add_argument('--frames', type=int, default=500)
    parser.add_argument('--confidence', type=float, default=CONFIDENCE)
    parser.add_argument('--threads', type=int, default=1, help='of the network on a CPU')
    parser.add_argument('--json', action='store_true', help='one JSON document on one line')
    options = parser.parse_args(arguments)
    if options.frames < 1 or options.threads < 1:
        parser.error('--frames and --threads must be at least 1')
    if not options.model.is_file():
        print(f'{options.model} is missing: train it with '
              '`python -m edge_trt_ros.demo.detector.train --output DIR`', file=sys.stderr)
        return 1
    # The CPU runtime uses one thread for every two cores of this process.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2 * options.threads])
    try:
        with open_network(options.model).runtime as runtime:
            figures = evaluate(runtime, options.frames, options.confidence)
    except EdgeTrtError as error:
        print(described(error), file=sys.stderr)
        return 1
    print(json.dumps(figures, indent=None if options.json else 2))
    return 0


if __name__ == '__main__':
    sys.exit(main())
