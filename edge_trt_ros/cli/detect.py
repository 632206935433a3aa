"""Images in, detections as JSON lines and drawings out; needs no ROS."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.cli._images import frame_from_file, image_paths
from edge_trt_ros.convert.conversion import open_model
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.vision.overlay import draw_detections
from edge_trt_ros.vision.postprocess import Thresholds


def main() -> None:
    """Parse the command line and detect."""
    parser = argparse.ArgumentParser(prog='detect', description=__doc__)
    parser.add_argument('engine', type=Path, help='an engine with its manifest, or an ONNX')
    parser.add_argument('images', type=Path, nargs='+', help='image files or folders of them')
    parser.add_argument('--backend', default='auto')
    parser.add_argument('--confidence', type=float, default=0.25)
    parser.add_argument('--nms', type=float, default=0.45, help='IoU above which a box is dropped')
    parser.add_argument('--output', type=Path, metavar='DIR', help='write drawings there')
    arguments = parser.parse_args()

    def work() -> None:
        thresholds = Thresholds(confidence=arguments.confidence, nms_iou=arguments.nms)
        with open_model(arguments.engine, arguments.backend).runtime as runtime:
            labels = runtime.manifest.labels
            for path in image_paths(arguments.images):
                frame = frame_from_file(path)
                detections, stage_times_ms = detect(runtime, frame, thresholds)
                print_json({
                    'image': str(path), 'size_wh': frame.size_wh,
                    'detections': [
                        {'label': labels[class_id], 'class_id': class_id, 'score': round(score, 4),
                         'box_xyxy': [round(value, 2) for value in box]}
                        for box, score, class_id in zip(
                            detections.boxes_xyxy.tolist(), detections.scores.tolist(),
                            detections.class_ids.tolist())],
                    'stage_times_ms': {stage: round(value, 3)
                                       for stage, value in stage_times_ms.items()}})
                if arguments.output:
                    arguments.output.mkdir(parents=True, exist_ok=True)
                    drawn = draw_detections(np.array(frame.pixels), detections, labels)
                    cv2.imwrite(str(arguments.output / f'{path.stem}.png'), drawn)
    run_command(work)


if __name__ == '__main__':
    main()
