"""Images (or texts) in, results as JSON lines and drawings out; needs no ROS."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.cli._images import frame_from_file, image_paths
from edge_trt_ros.convert.build import open_model
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.contract import Frame
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.text_tokens import TextTokens
from edge_trt_ros.vision.class_map import ClassMap
from edge_trt_ros.vision.classification import Classification
from edge_trt_ros.vision.decoders import Result
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.draw_result import draw_result
from edge_trt_ros.vision.instances import Instances
from edge_trt_ros.vision.postprocess import Thresholds


def main() -> None:
    """Parse the command line and detect."""
    parser = argparse.ArgumentParser(prog='detect', description=__doc__)
    parser.add_argument('engine', type=Path, help='an engine with its manifest, or an ONNX')
    parser.add_argument('images', type=Path, nargs='*', help='image files or folders of them')
    parser.add_argument('--text', nargs='+', default=[], help='of a network that reads texts')
    parser.add_argument('--backend', default='auto')
    parser.add_argument('--confidence', type=float, default=0.25)
    parser.add_argument('--nms', type=float, default=0.45, help='IoU above which a box is dropped')
    parser.add_argument('--output', type=Path, metavar='DIR', help='write drawings there')
    arguments = parser.parse_args()
    if bool(arguments.images) == bool(arguments.text):
        parser.error('give images, or --text')

    def work() -> None:
        thresholds = Thresholds(confidence=arguments.confidence, nms_iou=arguments.nms)
        with open_model(arguments.engine, arguments.backend).runtime as runtime:
            labels = runtime.manifest.labels
            frames = _texts(arguments.text, runtime.manifest) if arguments.text \
                else _images(arguments.images)
            for named, frame in frames:
                result, stage_times_ms = infer(runtime, frame, thresholds)
                print_json({**named, **described_result(result, labels), 'stage_times_ms': {
                    stage: round(value, 3) for stage, value in stage_times_ms.items()}})
                if arguments.output and 'image' in named:
                    arguments.output.mkdir(parents=True, exist_ok=True)
                    drawn = draw_result(np.array(frame.pixels), result, labels)
                    cv2.imwrite(str(arguments.output / f"{Path(named['image']).stem}.png"), drawn)
    run_command(work)


def _images(paths: Sequence[Path]) -> Iterator[tuple[dict[str, Any], Frame]]:
    for path in image_paths(paths):
        frame = frame_from_file(path)
        yield {'image': str(path), 'size_wh': frame.size_wh}, frame


def _texts(texts: Sequence[str], manifest: EngineManifest
           ) -> Iterator[tuple[dict[str, Any], Frame]]:
    if not manifest.tokenizer:
        raise ConfigurationError(f"the engine's task is '{manifest.task}', which reads no texts: "
                                 'give images')
    tokens = TextTokens(manifest.tokenizer, manifest.input_contract)
    for text in texts:
        yield {'text': text}, tokens.frame(text)


def described_result(result: Result, labels: Sequence[str]) -> dict[str, Any]:
    """Return a result as plain values: boxes in source pixels, masks as pixels of each class."""
    if isinstance(result, Detections):
        return {'detections': _objects(result, labels)}
    if isinstance(result, Instances):
        areas_px = np.bincount(result.instance_map.ravel(), minlength=len(result.detections) + 1)
        return {'detections': [{**one, 'mask_px': int(area)} for one, area in zip(
            _objects(result.detections, labels), areas_px[1:])]}
    if isinstance(result, Classification):
        return {'classes': [{'label': labels[class_id], 'class_id': class_id,
                             'score': round(score, 4)} for class_id, score in zip(
            result.class_ids.tolist(), result.scores.tolist())]}
    if isinstance(result, ClassMap):
        pixels = np.bincount(result.in_source_resolution().ravel(), minlength=len(labels))
        return {'class_px': {
            labels[index]: count for index, count in enumerate(pixels.tolist()) if count}}
    return {'tensors': {name: {'shape': list(values.shape), 'min': float(values.min()),
                               'max': float(values.max()), 'mean': float(values.mean())}
                        for name, values in result.by_name.items()}}


def _objects(detections: Detections, labels: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {'label': labels[class_id], 'class_id': class_id, 'score': round(score, 4),
         'box_xyxy': [round(value, 2) for value in box]} for box, score, class_id in zip(
            detections.boxes_xyxy.tolist(), detections.scores.tolist(),
            detections.class_ids.tolist())]
    for index, row in enumerate(rows):
        if detections.keypoints is not None:
            row['keypoints'] = np.round(detections.keypoints[index], 3).tolist()
        if detections.angles_rad is not None:
            row['angle_rad'] = round(float(detections.angles_rad[index]), 4)
    return rows


if __name__ == '__main__':
    main()
