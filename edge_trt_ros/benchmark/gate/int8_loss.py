# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Measure what int8 costs detectors of the synthetic road, on frames that none of them has seen.

    python -m edge_trt_ros.benchmark.gate.int8_loss [MODEL.onnx ...]

Without files it measures the demo's detector. Prints a row of Markdown for each int8 build. Exits
with 1 if recall or mAP50-95 falls by more than 0.01.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from edge_trt_ros.benchmark.gate.road_data import CALIBRATION_FRAMES, write_frames
from edge_trt_ros.benchmark.gate.trial import faithful_engine, Trial
from edge_trt_ros.demo.detector.evaluate import evaluate
from edge_trt_ros.demo.detector.model import CONFIDENCE, MODEL_PATH
from edge_trt_ros.demo.detector.samples import scene_frames, SOURCE_SIZE_WH, TEST_SEED
from edge_trt_ros.errors import described, EdgeTrtError
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.vision.boxes import box_iou
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.matching import matched_pairs
from edge_trt_ros.vision.thresholds import Thresholds

HEADING = ('| network | build | recall (fp32) | mAP50-95 (fp32) | confident boxes | '
           'overlap below 0.8 | of these moved | box error, median and 99th percentile |\n'
           '|---|---|---|---|---|---|---|---|')
_BUILDS = ('int8', 'int8 + fp16')
_ALLOWED_LOSS = 0.01
# A box of fp32 above the first score needs a partner above the second with this overlap.
_CONFIDENT, _PARTNER, _MIN_IOU = 0.5, 0.25, 0.8
# Without such a partner a box has moved, unless int8 had it with nearly this score before NMS.
_SAME_SCORE, _WITHOUT_NMS = 0.1, Thresholds(_PARTNER, 1.0, 5000)
_FRAMES_PER_SCENE = 4


@dataclass(frozen=True)
class Measured:
    """
    What an engine finds.

    :param figures: those of `demo.detector.evaluate`.
    :param found: the detections of each frame.
    :param candidates: what NMS chose them from.
    """

    figures: dict[str, Any]
    found: list[Detections]
    candidates: list[Detections]


@dataclass(frozen=True)
class Pair:
    """
    A confident box of the reference, and what the other engine makes of it.

    :param overlap: IoU with its partner; 0 without one.
    :param error_px: largest error of an edge; infinite without a partner.
    :param moved: whether the overlap is too small, and no candidate of NMS was the same box.
    """

    overlap: float
    error_px: float
    moved: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the networks in int8, and print what it costs."""
    parser = argparse.ArgumentParser(prog='int8_loss', description=__doc__)
    parser.add_argument('models', nargs='*', type=Path, metavar='MODEL.onnx',
                        help='detectors that are trained on the synthetic road')
    parser.add_argument('--frames', type=int, default=80)
    options = parser.parse_args(arguments)
    if options.frames < 1:
        parser.error('--frames must be at least 1')
    for path in options.models:
        if not path.is_file():
            parser.error(f'{path} is missing')
    too_much = False
    print(HEADING)
    try:
        with TemporaryDirectory() as name:
            road = write_frames(Path(name) / 'road', CALIBRATION_FRAMES)
            for path in options.models or [MODEL_PATH]:
                reference = _measured(faithful_engine(path, 'fp32', road), options.frames)
                for build in _BUILDS:
                    measured = _measured(faithful_engine(path, build, road), options.frames)
                    print(_row(path.stem, build, reference, measured), flush=True)
                    too_much |= any(
                        reference.figures[key] - measured.figures[key] > _ALLOWED_LOSS
                        for key in ('recall', 'mAP50-95'))
    except EdgeTrtError as error:
        print(described(error), file=sys.stderr)
        return 1
    if too_much:
        print(f'recall or mAP50-95 fell by more than {_ALLOWED_LOSS}', file=sys.stderr)
    return int(too_much)


def confident_pairs(reference: Detections, compared: Detections, candidates: Detections
                    ) -> Iterator[Pair]:
    """
    Yield what becomes of each confident box of the reference.

    :param reference: the detections of fp32.
    :param compared: the detections of the other engine.
    :param candidates: what NMS chose `compared` from.
    """
    partners = dict(matched_pairs(reference, compared))
    for row in np.flatnonzero(reference.scores > _CONFIDENT).tolist():
        own, overlap, error_px = reference[[row]], 0.0, float('inf')
        if row in partners:
            other = compared.boxes_xyxy[[partners[row]]]
            overlap = float(box_iou(own.boxes_xyxy, other)[0, 0])
            error_px = float(np.abs(own.boxes_xyxy - other).max())
        same = (box_iou(own.boxes_xyxy, candidates.boxes_xyxy)[0] >= _MIN_IOU) & (
            candidates.class_ids == own.class_ids) & (
            np.abs(candidates.scores - own.scores) <= _SAME_SCORE)
        yield Pair(overlap, error_px, overlap < _MIN_IOU and not same.any())


def _measured(trial: Trial, frames: int) -> Measured:
    found: list[list[Detections]] = [[], []]
    with open_engine(trial.engine, trial.manifest).runtime as runtime:
        for shot in scene_frames(TEST_SEED, frames, _FRAMES_PER_SCENE):
            frame = Frame(shot.image, 'bgr8', SOURCE_SIZE_WH)
            for kept, thresholds in zip(found, (Thresholds(_PARTNER), _WITHOUT_NMS)):
                kept.append(detect(runtime, frame, thresholds)[0])
        return Measured(evaluate(runtime, frames, CONFIDENCE), *found)


def _row(name: str, build: str, reference: Measured, measured: Measured) -> str:
    pairs = [pair for frame in zip(reference.found, measured.found, measured.candidates)
             for pair in confident_pairs(*frame)]
    below = sorted(pair.overlap for pair in pairs if pair.overlap < _MIN_IOU)
    shown = f"{len(below)} ({', '.join(f'{overlap:.2f}' for overlap in below)})" if below else '0'
    errors_px = [pair.error_px for pair in pairs if np.isfinite(pair.error_px)]
    median, p99 = np.percentile(errors_px, (50, 99)) if errors_px else (0.0, 0.0)
    before, after = reference.figures, measured.figures
    return (f"| {name} | {build} | {after['recall']:.4f} ({before['recall']:.4f}) | "
            f"{after['mAP50-95']:.4f} ({before['mAP50-95']:.4f}) | {len(pairs)} | {shown} | "
            f'{sum(pair.moved for pair in pairs)} | {median:.2f} and {p99:.1f} px |')


if __name__ == '__main__':
    sys.exit(main())
