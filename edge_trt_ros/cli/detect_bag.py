# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run an engine on the images of a bag and write the bag with detections; needs no ROS graph."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from time import perf_counter

from tqdm import tqdm

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.cli._progress import terminal_size
from edge_trt_ros.opening import open_network
from edge_trt_ros.optional_libraries import require, require_ros
from edge_trt_ros.vision.thresholds import Thresholds


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog='detect_bag', description=__doc__)
    parser.add_argument('engine', type=Path, help='an engine with its manifest, or an ONNX file')
    parser.add_argument('source', type=Path, metavar='IN', help='bag to read (MCAP or sqlite3)')
    parser.add_argument('target', type=Path, metavar='OUT', help='folder of the bag to write')
    parser.add_argument('--topic', default='', help='image topic; default: the only image topic')
    parser.add_argument('--detections-topic', default='/detections',
                        help='topic of the detections in the output')
    parser.add_argument('--detections-only', action='store_true',
                        help='do not copy the messages of IN')
    parser.add_argument('--track', action='store_true', help='write persistent track IDs; needs '
                        'edgefirst-tracker')
    parser.add_argument('--backend', default='auto', help='library that must run it')
    parser.add_argument('--confidence', type=float, default=0.25,
                        help='minimum score of a detection')
    parser.add_argument('--nms', type=float, default=0.45,
                        help='IoU above which a box is suppressed')
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()

    def work() -> None:
        require('rosbags', 'this command')
        require_ros('this command')
        from edge_trt_ros.ros.bags.detect import BagTask, detect_in_bag
        task = BagTask(arguments.source, arguments.target, arguments.topic,
                       arguments.detections_topic, not arguments.detections_only,
                       arguments.track)
        thresholds = Thresholds(confidence=arguments.confidence, nms_iou=arguments.nms)
        started = perf_counter()
        # disable=None shows the bar only on a terminal.
        with tqdm(desc='detect', unit='image', file=sys.stderr, leave=False, disable=None,
                  **terminal_size()) as bar, \
                open_network(arguments.engine, arguments.backend).runtime as runtime:
            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)
            report = detect_in_bag(runtime, task, thresholds, progress)
        report['seconds'] = round(perf_counter() - started, 2)
        if report['skipped_images']:
            print(f"detect_bag: {report['skipped_images']} images were skipped: "
                  f"{report['first_problem']}", file=sys.stderr)
        for topic in report['topics_left_out']:
            print(f'detect_bag: {topic} is not copied, its type is unknown', file=sys.stderr)
        if arguments.json:
            print_json(report)
        else:
            print(f"{report['bag']}: {report['detections']} detections in {report['images']} "
                  f"images of {report['topic']} on {report['detections_topic']}, "
                  f"{report['seconds']:.1f} s")
    run_command(work)


if __name__ == '__main__':
    main()
