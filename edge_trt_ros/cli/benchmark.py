# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measure an engine's latency per stage, the node, image transport and memory."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.benchmark.engine_times import measure_engine
from edge_trt_ros.benchmark.machine import machine_facts
from edge_trt_ros.benchmark.opponents import OPPONENTS
from edge_trt_ros.benchmark.report_page import write_report_page
from edge_trt_ros.benchmark.road_frames import PERCENTS
from edge_trt_ros.benchmark.scene_picture import camera_picture, scene_picture
from edge_trt_ros.benchmark.scene_table import camera_table, scene_table
from edge_trt_ros.benchmark.stage_picture import stage_picture
from edge_trt_ros.cli._command import DONE, print_json, REFUSED, run_command
from edge_trt_ros.cli._progress import phase_bar
from edge_trt_ros.convert.options import PRECISIONS, shape_from_text
from edge_trt_ros.doctor.report_file import add_to_report
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.files import write_file
from edge_trt_ros.manifest import MAX_BATCH
from edge_trt_ros.optional_libraries import require_converter, require_ros
from edge_trt_ros.runtime.select import Placement

_TABLES = {'scenes': scene_table, 'cameras': camera_table}


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog='benchmark', description=__doc__)
    parser.add_argument('engine', type=Path, nargs='?', help='an engine or ONNX file')
    parser.add_argument('--source', default='1280x720', metavar='WxH', help='size of the frames')
    parser.add_argument('--frames', type=int, default=300, help='number of measured frames')
    parser.add_argument('--backend', default='auto', help='library that must run it')
    parser.add_argument('--device-id', type=int, default=0, metavar='N', help='which GPU')
    parser.add_argument('--dla-core', type=int, default=-1, metavar='N', help='which DLA core')
    parser.add_argument('--cores', type=int, default=0, metavar='N',
                        help='use the first N cores only')
    parser.add_argument('--plot', type=Path, metavar='PNG',
                        help='plot the stages of a frame, or the curves of --objects')
    parser.add_argument('--html', type=Path, metavar='FILE',
                        help='write a page with curves and tables of all figures')
    _add_scenes(parser)
    parser.add_argument('--node', type=float, default=0, metavar='SECONDS',
                        help='measure the inference node with the engine, at 30 Hz over DDS')
    parser.add_argument('--reloads', type=int, default=0, metavar='N',
                        help='reload the engine of the inference node N times at 30 Hz')
    parser.add_argument('--node-cameras', type=int, nargs='+', metavar='N',
                        help='measure the inference node with N cameras at 15 Hz, and with one of '
                        'four at 200 Hz')
    parser.add_argument('--next-to', type=Path, metavar='ENGINE',
                        help='measure the engine at 30 Hz next to another one that runs all the '
                        'time, with equal and with different priorities on the GPU')
    parser.add_argument('--transport', type=float, default=0, metavar='SECONDS',
                        help='measure images of that size at 30 Hz between two processes')
    parser.add_argument('--untuned', action='store_true',
                        help='with --transport: use the defaults of the middleware')
    parser.add_argument('--soak', type=float, default=0, metavar='SECONDS',
                        help='disturb both nodes at random, and account for every image')
    parser.add_argument('--seed', type=int, default=0, metavar='N',
                        help='with --soak: seed of all decisions')
    parser.add_argument('--report', type=Path, metavar='FILE',
                        help='add the figures to a report that can be sent with an issue, next '
                        'to those of `make test-gpu`')
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()
    _check(parser, arguments)

    def work() -> int:
        with phase_bar(by_thread=False) as progress:
            report = _measure(arguments, progress)
        if arguments.plot:
            picture = _picture(report, arguments.engine.name)
            write_file(arguments.plot, cv2.imencode('.png', picture)[1].tobytes())
        if arguments.html:
            write_report_page(arguments.html, report)
        if arguments.report:
            add_to_report(arguments.report, 'benchmark', report, arguments.device_id)
        if arguments.json:
            print_json(report)
        else:
            _print_table(report)
        return REFUSED if report.get('soak', {}).get('problems') else DONE
    run_command(work)


def _add_scenes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--objects', type=int, nargs='+', metavar='N',
                        help='measure an ONNX file on frames in which it finds N objects, next to '
                        'the bare network')
    parser.add_argument('--sizes', nargs='+', metavar='WxH',
                        help='with --objects: sizes of the frames instead of --source')
    parser.add_argument('--precisions', nargs='+', default=['fp32'], choices=PRECISIONS,
                        help='with --objects: precisions of the network')
    parser.add_argument('--cameras', type=int, nargs='+', metavar='N',
                        help='with --objects: measure images of N cameras that wait for the '
                        'network together')
    parser.add_argument('--against', default='', choices=OPPONENTS,
                        help='with --objects: run the same frames through this program, in turns')


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    if not (arguments.engine or arguments.transport or arguments.soak):
        parser.error('give an engine, --transport or --soak')
    if (arguments.plot or arguments.node or arguments.reloads or arguments.node_cameras
            or arguments.next_to) and not arguments.engine:
        parser.error('--plot, --node, --reloads, --node-cameras and --next-to need an engine')
    if arguments.objects and (not arguments.engine or min(arguments.objects) < 0):
        parser.error('--objects needs an ONNX file and numbers of at least 0')
    if (arguments.sizes or arguments.against or arguments.cameras) and not arguments.objects:
        parser.error('--sizes, --against and --cameras need --objects')
    if arguments.cameras and not 1 <= min(arguments.cameras) <= max(arguments.cameras) \
            <= MAX_BATCH:
        parser.error(f'--cameras needs numbers from 1 to {MAX_BATCH}')
    if arguments.frames < 1:
        parser.error(f'--frames is {arguments.frames}, expected 1 or more')


def _measure(arguments: argparse.Namespace, progress: Callable[[str, float], None]
             ) -> dict[str, Any]:
    width, height = _size_wh(arguments.source)
    placement = Placement(arguments.device_id, arguments.dla_core)
    if arguments.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.cores])
    report: dict[str, Any] = {'machine': machine_facts(placement.device_id)}
    if arguments.objects:
        require_converter('--objects')
        from edge_trt_ros.benchmark.scenes import measure_scenes, SceneChoice
        choice = SceneChoice(
            arguments.objects, list(map(_size_wh, arguments.sizes or [arguments.source])),
            arguments.precisions, arguments.frames, arguments.against)
        report['scenes'] = measure_scenes(arguments.engine, choice, arguments.backend, placement)
        if arguments.cameras:
            from edge_trt_ros.benchmark.camera_scenes import measure_cameras
            report['cameras'] = measure_cameras(arguments.engine, choice, arguments.cameras,
                                                arguments.backend, placement)
    elif arguments.engine:
        report['engine'] = measure_engine(arguments.engine, arguments.backend, (width, height),
                                          arguments.frames, placement, progress)
    if arguments.next_to:
        from edge_trt_ros.benchmark.shared_gpu import measure_next_to
        report['next_to'] = measure_next_to(
            (arguments.engine, arguments.next_to), arguments.backend, (width, height),
            arguments.frames, placement.device_id, progress)
    if arguments.node:
        require_ros('--node')
        from edge_trt_ros.benchmark.node_times import measure_node
        report['node'] = measure_node(arguments.engine, arguments.backend, (width, height),
                                      arguments.node, placement, progress)
    if arguments.reloads:
        require_ros('--reloads')
        from edge_trt_ros.benchmark.reload_times import measure_reloads
        report['reloads'] = measure_reloads(arguments.engine, arguments.backend, (width, height),
                                            arguments.reloads, placement, progress)
    if arguments.node_cameras:
        require_ros('--node-cameras')
        from edge_trt_ros.benchmark.camera_times import measure_node_cameras
        report['node_cameras'] = measure_node_cameras(
            arguments.engine, arguments.backend, (width, height), arguments.node_cameras,
            placement, progress)
    if arguments.transport:
        require_ros('--transport')
        from edge_trt_ros.benchmark.transport_probe import probe_transport
        report['transport'] = probe_transport((width, height), 30.0, arguments.transport,
                                              tuned=not arguments.untuned, progress=progress)
    if arguments.soak:
        require_ros('--soak')
        from edge_trt_ros.benchmark.soak.soak import soak
        report['soak'] = soak(arguments.soak, arguments.seed, progress=progress)
    return report


def _picture(report: Mapping[str, Any], title: str) -> NDArray[Any]:
    if 'engine' in report:
        return stage_picture(report['engine'])
    pictures = [draw(report[part], title) for part, draw in (
        ('scenes', scene_picture), ('cameras', camera_picture)) if part in report]
    return np.vstack(pictures)


def _size_wh(text: str) -> tuple[int, int]:
    size_wh = shape_from_text(text)
    if len(size_wh) != 2 or min(size_wh) < 1:
        raise ConfigurationError(f"the size of the frames is '{text}', expected 1280x720")
    return size_wh[0], size_wh[1]


def _print_table(report: Mapping[str, Any]) -> None:
    for part, values in report.items():
        print(part)
        if part in _TABLES:
            print(_TABLES[part](values))
            continue
        for name, value in values.items():
            if name == 'without_graph':
                _print_stages('launched call by call', value['stages_ms'])
            elif name == 'stages_ms':
                _print_stages('stage', value)
            elif '_curve_' not in name:
                print(f'  {name:32}{value if isinstance(value, str) else json.dumps(value)}')


def _print_stages(title: str, stages_ms: Mapping[str, Mapping[str, float]]) -> None:
    columns = [f'p{percent}' for percent in PERCENTS]
    print(f'  {title:32}' + ''.join(f'{column + " ms":>10}' for column in columns))
    for stage, figures in stages_ms.items():
        print(f'  {stage:32}' + ''.join(f'{figures[column]:10.3f}' for column in columns))


if __name__ == '__main__':
    main()
