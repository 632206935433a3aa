"""
Measure a detector on frames of scenes that training has not seen.

    python -m edge_trt_ros.demo.detector.evaluate MODEL.onnx --frames 500 --json

Prints recall and precision at one confidence as the live score counts them, and mAP as COCO
defines it where pycocotools is installed. Objects that are mostly hidden or a few pixels tall
(see `score.py`) are neither asked for nor held against the detector.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
from pathlib import Path
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime

from edge_trt_ros.demo.detector.model import CONFIDENCE, MODEL_PATH
from edge_trt_ros.demo.detector.samples import PAD_VALUE, scene_frames, SOURCE_SIZE_WH, TEST_SEED
from edge_trt_ros.demo.road.scene import CLASS_NAMES
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.evaluation.average_precision import average_precision
from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.evaluation.score import Score
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.detector_heads import yolo_dense
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.postprocess import Thresholds

_LOWEST_SCORE, _AP_NMS_IOU, _LIVE_NMS_IOU = 0.005, 0.6, 0.45
_FRAMES_PER_SCENE = 4


class OnnxDetector:
    """
    Runs a model by ONNX Runtime, one frame at a time.

    :param path: ONNX in the layout of Ultralytics models, of any size.
    :param threads: how many threads the network may use.
    """

    def __init__(self, path: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options,
                                                     providers=['CPUExecutionProvider'])
        height, width = self._session.get_inputs()[0].shape[2:]
        self._fit = Letterbox.fit(SOURCE_SIZE_WH, (width, height))
        self.network_ms: list[float] = []

    def detect(self, image: NDArray[np.uint8],
               *thresholds: Thresholds) -> tuple[Detections, ...]:
        """
        Return what is seen in a frame, once for each set of thresholds.

        :param image: uint8 (height, width, 3) bgr of `SOURCE_SIZE_WH`.
        :param thresholds: what to keep.
        """
        fitted = self._fit.apply(image, PAD_VALUE)
        tensor = np.ascontiguousarray(fitted[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
        tensor /= 255
        before = time.perf_counter()
        outputs = {'output0': self._session.run(None, {'images': tensor})[0]}
        self.network_ms.append(1e3 * (time.perf_counter() - before))
        return tuple(yolo_dense(outputs, self._fit, one) for one in thresholds)


def evaluate(detector: OnnxDetector, frames: int, confidence: float) -> dict[str, Any]:
    """
    Return the figures of a detector.

    :param detector: the model.
    :param frames: how many unseen frames.
    :param confidence: smallest score that counts for recall and precision.
    """
    score, of_class = Score(), [Score() for _ in CLASS_NAMES]
    truths: list[LabelledBoxes] = []
    everything: list[Detections] = []
    for frame in scene_frames(TEST_SEED, frames, _FRAMES_PER_SCENE):
        truth = frame.labelled_boxes()
        found, sure = detector.detect(frame.image, Thresholds(_LOWEST_SCORE, _AP_NMS_IOU),
                                      Thresholds(confidence, _LIVE_NMS_IOU))
        score.add(truth, sure)
        for class_id, one in enumerate(of_class):
            one.add(truth.of_class(class_id), sure[sure.class_ids == class_id])
        truths.append(truth)
        everything.append(found)
    figures = {
        'frames': frames, 'objects': score.hits + score.misses, 'confidence': confidence,
        'recall': round(score.recall, 4), 'precision': round(score.precision, 4),
        'network_ms': round(float(np.median(detector.network_ms)), 2),
        'classes': {name: {'recall': round(one.recall, 4), 'precision': round(one.precision, 4)}
                    for name, one in zip(CLASS_NAMES, of_class)}}
    return {**mean_average_precision(truths, everything), **figures}


def mean_average_precision(truths: Sequence[LabelledBoxes],
                           found: Sequence[Detections]) -> dict[str, float | None]:
    """Return mAP50 and mAP50-95, or None for each where pycocotools is not installed."""
    try:
        precision = np.nan_to_num(average_precision(
            truths, found, len(CLASS_NAMES)))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return {'mAP50': None, 'mAP50-95': None}
    return {'mAP50': round(float(precision[0].mean()), 4),
            'mAP50-95': round(float(precision.mean()), 4)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate a model and print its figures."""
    parser = argparse.ArgumentParser(
        prog='evaluate', description='Measure a detector on unseen frames of the synthetic road.')
    parser.add_argument('model', type=Path, nargs='?', default=MODEL_PATH)
    parser.add_argument('--frames', type=int, default=500)
    parser.add_argument('--confidence', type=float, default=CONFIDENCE)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--json', action='store_true', help='one JSON document, nothing else')
    options = parser.parse_args(arguments)
    if not options.model.is_file():
        print(f'{options.model} is missing: train it with '
              '`python -m edge_trt_ros.demo.detector.train --output DIR`', file=sys.stderr)
        return 1
    figures = evaluate(OnnxDetector(options.model, options.threads), options.frames,
                       options.confidence)
    print(json.dumps(figures, indent=None if options.json else 2))
    return 0


if __name__ == '__main__':
    sys.exit(main())
