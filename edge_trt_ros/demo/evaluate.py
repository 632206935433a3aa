"""
Measure a detector on frames of scenes that training has not seen.

    python -m edge_trt_ros.demo.evaluate MODEL.onnx --frames 500 --json

Prints mAP as COCO defines it (needs pycocotools), and recall and precision at one confidence
as the live score counts them. Objects that are mostly hidden or a few pixels tall (see
`score.py`) are neither asked for nor held against the detector.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import redirect_stdout
import json
import os
from pathlib import Path
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime
from pycocotools.coco import COCO  # type: ignore[import-untyped,import-not-found,unused-ignore]
from pycocotools.cocoeval import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
    COCOeval)

from edge_trt_ros.demo.model import MODEL_PATH
from edge_trt_ros.demo.samples import (NETWORK_SIZE_WH, PAD_VALUE, scene_frames, SOURCE_SIZE_WH,
                                       TEST_SEED)
from edge_trt_ros.demo.scene import CLASS_NAMES
from edge_trt_ros.demo.score import Score, Truth
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.postprocess import Thresholds, yolo_dense

_LOWEST_SCORE = 0.005


class OnnxDetector:
    """
    Runs a model by ONNX Runtime, one frame at a time.

    :param path: ONNX in the layout of Ultralytics models, of `NETWORK_SIZE_WH`.
    :param threads: how many threads the network may use.
    """

    def __init__(self, path: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options,
                                                     providers=['CPUExecutionProvider'])
        self._fit = Letterbox.fit(SOURCE_SIZE_WH, NETWORK_SIZE_WH)
        self.network_ms: list[float] = []

    def detect(self, image: NDArray[np.uint8], thresholds: Thresholds) -> Detections:
        """Return what is seen in a frame, uint8 (height, width, 3) bgr of the source's size."""
        fitted = self._fit.apply(image, PAD_VALUE)
        tensor = np.ascontiguousarray(fitted[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
        tensor /= 255
        before = time.perf_counter()
        found = self._session.run(None, {'images': tensor})[0]
        self.network_ms.append(1e3 * (time.perf_counter() - before))
        return yolo_dense({'output0': found}, self._fit, thresholds)


def evaluate(detector: OnnxDetector, frames: int, confidence: float) -> dict[str, Any]:
    """
    Return the figures of a detector.

    :param detector: the model.
    :param frames: how many unseen frames.
    :param confidence: smallest score that counts for recall and precision.
    """
    score = Score()
    per_class = [Score() for _ in CLASS_NAMES]
    truths: list[Truth] = []
    everything: list[Detections] = []
    for frame in scene_frames(TEST_SEED, frames, per_scene=4):
        truth = Truth(frame.boxes_xyxy, frame.class_ids, frame.visibility)
        found = detector.detect(frame.image, Thresholds(_LOWEST_SCORE, 0.6))
        sure = detector.detect(frame.image, Thresholds(confidence, 0.45))
        score.add(truth, sure)
        for class_id, one in enumerate(per_class):
            mine = truth.class_ids == class_id
            one.add(Truth(truth.boxes_xyxy[mine], truth.class_ids[mine], truth.visibility[mine]),
                    sure[sure.class_ids == class_id])
        truths.append(truth)
        everything.append(found)
    precision = coco_average_precision(truths, everything)
    return {
        'frames': frames, 'objects': score.hits + score.misses,
        'mAP50': round(float(precision[0].mean()), 4),
        'mAP50-95': round(float(precision.mean()), 4), 'confidence': confidence,
        'recall': round(score.recall, 4), 'precision': round(score.precision, 4),
        'classes': {name: {'AP50': round(float(precision[0, class_id]), 4),
                           'AP50-95': round(float(precision[:, class_id].mean()), 4),
                           'recall': round(one.recall, 4), 'precision': round(one.precision, 4)}
                    for class_id, (name, one) in enumerate(zip(CLASS_NAMES, per_class))},
        'network_ms': round(float(np.median(detector.network_ms)), 2)}


def coco_average_precision(truths: Sequence[Truth],
                           found: Sequence[Detections]) -> NDArray[np.float64]:
    """
    Return average precision, float64 (10, classes): IoU 0.50 to 0.95 in steps of 0.05.

    :param truths: who is in each frame.
    :param found: what was found in each frame, down to low scores.
    """
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image_id, (truth, detections) in enumerate(zip(truths, found), 1):
        for box, class_id, asked in zip(_xywh(truth.boxes_xyxy), truth.class_ids.tolist(),
                                        truth.asked_for().tolist()):
            # COCO's crowds are what neither counts as missed nor as wrong.
            annotations.append({
                'id': len(annotations) + 1, 'image_id': image_id, 'category_id': class_id,
                'bbox': box, 'area': box[2] * box[3], 'iscrowd': int(not asked)})
        for box, class_id, confidence in zip(_xywh(detections.boxes_xyxy),
                                             detections.class_ids.tolist(),
                                             detections.scores.tolist()):
            results.append({'image_id': image_id, 'category_id': class_id, 'bbox': box,
                            'score': confidence})
    with open(os.devnull, 'w') as nowhere, redirect_stdout(nowhere):
        reference = COCO()
        reference.dataset = {
            'images': [{'id': number + 1} for number in range(len(truths))],
            'annotations': annotations,
            'categories': [{'id': number} for number in range(len(CLASS_NAMES))]}
        reference.createIndex()
        judge = COCOeval(reference, reference.loadRes(results), 'bbox')
        judge.evaluate()
        judge.accumulate()
    # (IoU, recall, class, area, detections): all areas, at most 100 detections.
    precision = judge.eval['precision'][:, :, :, 0, 2]
    return np.asarray(np.where(precision < 0, 0, precision).mean(axis=1), np.float64)


def _xywh(boxes_xyxy: NDArray[np.float32]) -> list[list[float]]:
    sizes_wh = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    rows: list[list[float]] = np.concatenate((boxes_xyxy[:, :2], sizes_wh), axis=1).tolist()
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate a model and print its figures."""
    parser = argparse.ArgumentParser(prog='evaluate', description=__doc__.split('\n\n')[0])
    parser.add_argument('model', type=Path, nargs='?', default=MODEL_PATH)
    parser.add_argument('--frames', type=int, default=500)
    parser.add_argument('--confidence', type=float, default=0.25)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--json', action='store_true', help='one JSON document, nothing else')
    options = parser.parse_args(arguments)
    if not options.model.is_file():
        print(f'{options.model} is missing: train it with '
              '`python -m edge_trt_ros.demo.train --output DIR`', file=sys.stderr)
        return 1
    figures = evaluate(OnnxDetector(options.model, options.threads), options.frames,
                       options.confidence)
    if options.json:
        print(json.dumps(figures))
        return 0
    for name, value in figures.items():
        for line in ([f'  {kind}: {one}' for kind, one in value.items()]
                     if isinstance(value, dict) else [f'{name}: {value}']):
            print(line)
    return 0


if __name__ == '__main__':
    sys.exit(main())
