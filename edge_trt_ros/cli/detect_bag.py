# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Run an engine on the images of bags and write bags with the results; needs no ROS graph.

IN is a bag, a folder of bags, or a glob in quotes. A run that was interrupted continues where it
ended; bags that are done are skipped.
"""

from __future__ import annotations

import argparse
from functools import partial
import os
from pathlib import Path
import sys
from time import perf_counter
from typing import TYPE_CHECKING

from edge_trt_ros.cli._command import print_json, REFUSED, run_command
from edge_trt_ros.cli._progress import progress_bar
from edge_trt_ros.optional_libraries import require, require_ros
from edge_trt_ros.vision.thresholds import Thresholds
from edge_trt_ros.vision.tracking import TrackIds

if TYPE_CHECKING:
    from edge_trt_ros.ros.bags.report import Report


def main() -> None:
    """Parse the command line and run."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.workers < 0:
        parser.error('--workers is at least 1')

    def work() -> int:
        require('rosbags', 'this command')
        require_ros('this command')
        if arguments.track:
            TrackIds()  # its library is missing for all bags, or for none
        from edge_trt_ros.ros.bags.report import FAILED
        started = perf_counter()
        report = _run(arguments)
        seconds = round(perf_counter() - started, 2)
        for sentence in report.warnings():
            print(f'detect_bag: {sentence}', file=sys.stderr)
        if arguments.json:
            print_json({**report.to_dict(), 'seconds': seconds})
        else:
            print(f'{report.text()}\nseconds: {seconds:.1f}')
        return REFUSED if report.of(FAILED) else 0
    run_command(work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='detect_bag', description=__doc__)
    parser.add_argument('engine', type=Path, help='an engine with its manifest, or an ONNX file')
    parser.add_argument('sources', metavar='IN', nargs='+',
                        help='bag (MCAP or sqlite3), folder of bags, or glob')
    parser.add_argument('target', type=Path, metavar='OUT',
                        help='folder of the bag to write, or of all bags')
    parser.add_argument('--topic', default='', help='image topic; default: the only image topic')
    parser.add_argument('--namespace', default='', help='namespace of the topics to write, such '
                        'as /camera; default: /detections and so on')
    parser.add_argument('--detections-only', action='store_true',
                        help='do not copy the messages of IN')
    parser.add_argument('--overlay', action='store_true',
                        help='write the images with drawn results, on overlay/compressed')
    parser.add_argument('--track', action='store_true', help='write persistent track IDs; needs '
                        'edgefirst-tracker')
    parser.add_argument('--backend', default='auto', help='library that must run it')
    parser.add_argument('--workers', type=int, default=0, help='processes, of one core each; '
                        'default: one for each core')
    parser.add_argument('--scheduler', default='', metavar='tcp://HOST:PORT',
                        help='run on a Dask cluster, whose machines see the same paths')
    parser.add_argument('--confidence', type=float, default=0.25,
                        help='minimum score of a detection')
    parser.add_argument('--nms', type=float, default=0.45,
                        help='IoU above which a box is suppressed')
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    return parser


def _run(arguments: argparse.Namespace) -> Report:
    from edge_trt_ros.ros.bags.cluster import run_on_cluster
    from edge_trt_ros.ros.bags.processes import run_here, run_in_processes
    from edge_trt_ros.ros.bags.run import ArchiveRun
    from edge_trt_ros.ros.bags.task import BagTask
    from edge_trt_ros.ros.bags.unit import EngineChoice
    task = BagTask(arguments.topic, arguments.namespace, not arguments.detections_only,
                   arguments.track, arguments.overlay,
                   Thresholds(confidence=arguments.confidence, nms_iou=arguments.nms))
    sources, target = arguments.sources, arguments.target
    if arguments.scheduler:  # the workers have other working directories
        sources, target = [os.path.abspath(source) for source in sources], target.absolute()
    run = ArchiveRun(sources, target,
                     EngineChoice(arguments.engine.absolute(), arguments.backend), task)
    with progress_bar(24) as bar:
        def progress(fraction: float, done: int, total: int) -> None:
            bar.n = round(100 * fraction)
            bar.set_description_str(f'detect {done}/{total} bags')
        if arguments.scheduler:
            return run.run(partial(run_on_cluster, address=arguments.scheduler), progress,
                           one_core=True)
        if run.is_one_unit and not arguments.workers:
            return run.run(run_here, progress)
        workers = arguments.workers or len(os.sched_getaffinity(0))
        return run.run(partial(run_in_processes, count=workers), progress, one_core=True)


if __name__ == '__main__':
    main()
