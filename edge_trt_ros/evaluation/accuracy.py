# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare a network in several precisions: mAP, agreement, latency and size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge_trt_ros.convert.build import build, BuiltEngine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import plan_build
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.evaluation.average_precision import coco_tools, mean_average_precision
from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.evaluation.labelled_folder import read_coco, read_yolo
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import best_backend, open_engine
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.identity import runs_on
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.matching import match_detections
from edge_trt_ros.vision.tasks import TASKS
from edge_trt_ros.vision.thresholds import Thresholds

# Average precision needs the detections down to low scores.
_LOWEST_SCORE, _NMS_IOU, _LIVE_SCORE = 0.005, 0.6, 0.25


@dataclass(frozen=True)
class Accuracy:
    """
    A comparison of precisions.

    :param report: the figures, as plain values; mAP is None without labels.
    :param labels: the network's labels.
    :param detections: for each row of the report the detections in each image.
    :param truths: the labelled objects in each image; None without labels.
    """

    report: Mapping[str, Any]
    labels: Sequence[str]
    detections: Sequence[Sequence[Detections]]
    truths: Sequence[LabelledBoxes] | None


def measure_accuracy(onnx_path: Path, images: Sequence[Path], read: Callable[[Path], Frame],
                     options: BuildOptions, precisions: Sequence[str],
                     annotations: Path | None = None,
                     progress: Callable[[str, float], None] = lambda phase, fraction: None
                     ) -> Accuracy:
    """
    Build a network in several precisions and run each on the same images.

    :param onnx_path: the network; its task must produce boxes.
    :param images: image files; YOLO text files next to them are used as labels.
    :param read: reads an image file.
    :param options: build options; the precision is replaced.
    :param precisions: what to build; the first is the reference.
    :param annotations: a COCO file; None uses YOLO text files, if any.
    :param progress: called with a precision and the fraction of it that is done.
    :raises EdgeTrtError: if a build fails, labels are invalid or pycocotools is missing.
    """
    rows: list[dict[str, Any]] = []
    detections: list[list[Detections]] = []
    labels: Sequence[str] = ()
    progress('read the images', 0.0)
    truths, sizes = None, [read(path).size_wh for path in images]
    for precision in precisions:
        progress(f'{precision}: plan', 0.0)
        plan = plan_build(onnx_path, replace(options, precision=precision))
        if not TASKS[plan.found.task].has_boxes:
            raise ConfigurationError(f"the task of {onnx_path} is '{plan.found.task}', and only "
                                     'tasks with boxes can be compared')
        built = build(plan, lambda phase, fraction: progress(
            f'{precision}: {phase}', fraction / 2))
        if not rows:
            labels = built.manifest.labels
            truths = read_coco(annotations, images, labels) if annotations else read_yolo(
                images, sizes, labels)
            if truths is not None:
                coco_tools()  # fails now if it is missing, not after hours of building
        found, row = _run(built, images, read,
                          lambda done: progress(f'{precision}: run', 0.5 + done / 2))
        detections.append([boxes[boxes.scores >= _LIVE_SCORE] for boxes in found])
        same = match_detections(zip(detections[0], detections[-1]))
        rows.append({
            'precision': built.manifest.layers['precision'], **row,
            **_mean_average_precision(truths, found, len(built.manifest.labels)),
            'boxes': same.found, 'agreement_f1': round(same.f1, 4),
            'score_drift': round(same.score_drift, 4),
            'size_mb': round(len(built.engine) / 1e6, 2)})
    report = {'onnx': str(onnx_path), 'images': len(images), 'labelled': truths is not None,
              'held_against': rows[0]['precision'], 'rows': rows}
    return Accuracy(report, labels, detections, truths)


def _run(built: BuiltEngine, images: Sequence[Path], read: Callable[[Path], Frame],
         progress: Callable[[float], None]) -> tuple[list[Detections], dict[str, Any]]:
    runnable = built
    if built.on_cpu and not (best_backend() == built.manifest.backend
                             and runs_on(built.manifest, find_gpu())):
        runnable = built.on_cpu
    thresholds = Thresholds(_LOWEST_SCORE, _NMS_IOU)
    found, times_ms = [], []
    with open_engine(runnable.engine, runnable.manifest).runtime as runtime:
        for index, path in enumerate(images):
            result, stages_ms = infer(runtime, read(path), thresholds)
            found.append(TASKS[runtime.manifest.task].detections(result) or Detections.empty())
            times_ms.append(stages_ms.get('gpu', stages_ms.get('network', 0.0)))
            progress((index + 1) / len(images))
    return found, {
        'built_by': f'{built.manifest.backend} {built.manifest.backend_version}',
        'run_by': f'{runnable.manifest.backend} {runnable.manifest.backend_version}',
        'latency_ms': round(float(np.median(times_ms)), 3)}


def _mean_average_precision(truths: Sequence[LabelledBoxes] | None, found: Sequence[Detections],
                            classes: int) -> dict[str, float | None]:
    if truths is None:
        return {'mAP50': None, 'mAP50-95': None}
    return {**mean_average_precision(truths, found, classes)}
