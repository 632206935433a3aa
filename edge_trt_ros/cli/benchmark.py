"""Latency of an engine stage by stage, of images between processes, and memory over time."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import platform
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from std_msgs.msg import Header

from edge_trt_ros import __version__
from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.convert.conversion import open_model
from edge_trt_ros.convert.recipe import shape_from_text
from edge_trt_ros.demo.scene import Scene
from edge_trt_ros.demo.soak import soak
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.manifest import sha256_hex
from edge_trt_ros.ros.detection_messages import detections_message
from edge_trt_ros.ros.transport_probe import probe_transport
from edge_trt_ros.runtime.contract import Frame
from edge_trt_ros.runtime.pipeline import detect, warm_up
from edge_trt_ros.vision.postprocess import Thresholds

HOST_STAGES = ('preprocess', 'postprocess', 'message')


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog='benchmark', description=__doc__)
    parser.add_argument('engine', type=Path, nargs='?', help='an engine, or an ONNX')
    parser.add_argument('--source', default='1280x720', metavar='WxH', help='size of the frames')
    parser.add_argument('--frames', type=int, default=300)
    parser.add_argument('--backend', default='auto')
    parser.add_argument('--cores', type=int, default=0, metavar='N',
                        help='use the first N cores only')
    parser.add_argument('--transport', type=float, default=0, metavar='SECONDS',
                        help='send images of that size at 30 Hz to another process')
    parser.add_argument('--untuned', action='store_true',
                        help='the transport with the defaults of the middleware, to compare')
    parser.add_argument('--soak', type=float, default=0, metavar='SECONDS',
                        help='run the demo and watch the memory of the detector')
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()

    def work() -> None:
        size_wh = shape_from_text(arguments.source)
        if len(size_wh) != 2 or min(size_wh) < 1:
            raise ConfigurationError(f"--source is '{arguments.source}', expected 1280x720")
        if not (arguments.engine or arguments.transport or arguments.soak):
            parser.error('give an engine, --transport or --soak')
        if arguments.cores:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.cores])
        report: dict[str, Any] = {'machine': _machine()}
        if arguments.engine:
            report['engine'] = _stages(arguments, (size_wh[0], size_wh[1]))
        if arguments.transport:
            report['transport'] = probe_transport(
                (size_wh[0], size_wh[1]), 30.0, arguments.transport, tuned=not arguments.untuned)
        if arguments.soak:
            report['soak'] = soak(arguments.soak)
        if arguments.json:
            print_json(report)
        else:
            _print_table(report)
    run_command(work)


def _stages(arguments: argparse.Namespace, size_wh: tuple[int, int]) -> dict[str, Any]:
    frames = _frames(size_wh)
    times_ms: dict[str, list[float]] = {}
    found = 0
    opened = open_model(arguments.engine, arguments.backend)
    with opened.runtime as runtime:
        warm_up(runtime, 10)
        labels = runtime.manifest.labels
        for index in range(arguments.frames):
            started = perf_counter()
            detections, stages_ms = detect(runtime, frames[index % len(frames)], Thresholds(),
                                           slot=index % runtime.slots)
            detected = perf_counter()
            detections_message(detections, Header(), labels)
            stages_ms['message'] = (perf_counter() - detected) * 1e3
            stages_ms['bytes_to_detections'] = (detected - started) * 1e3
            stages_ms['host_work'] = sum(stages_ms[stage] for stage in HOST_STAGES)
            for stage, value in stages_ms.items():
                times_ms.setdefault(stage, []).append(value)
            found += len(detections)
        manifest = runtime.manifest
        return {
            'backend': manifest.backend, 'backend_version': manifest.backend_version,
            'device': runtime.device_name, 'reason': opened.reason,
            'engine_sha256': manifest.engine_sha256, 'source_size_wh': list(size_wh),
            'input_sha256': sha256_hex(b''.join(frame.pixels.tobytes() for frame in frames)),
            'frames': arguments.frames, 'detections_per_frame': round(found / arguments.frames, 1),
            'frames_per_second': round(1e3 / float(np.mean(times_ms['bytes_to_detections'])), 1),
            'stages_ms': {stage: dict(zip(('p50', 'p95', 'p99'), np.percentile(
                values, (50, 95, 99)).round(3).tolist())) for stage, values in times_ms.items()}}


def _frames(size_wh: tuple[int, int]) -> list[Frame]:
    scene = Scene(7)
    return [Frame(np.ascontiguousarray(cv2.resize(scene.frame(second).image, size_wh)), 'bgr8',
                  size_wh, source='synthetic road') for second in np.arange(0, 8, 0.5).tolist()]


def _machine() -> dict[str, Any]:
    return {'edge_trt_ros': __version__, 'processor': platform.processor() or platform.machine(),
            'cores': len(os.sched_getaffinity(0)), 'system': platform.system(),
            'python': platform.python_version(), 'numpy': np.__version__,
            'opencv': cv2.__version__}


def _print_table(report: dict[str, Any]) -> None:
    for part, values in report.items():
        print(part)
        for name, value in values.items():
            if name == 'stages_ms':
                print(f"  {'stage':24}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}")
                for stage, figures in value.items():
                    print(f'  {stage:24}' + ''.join(
                        f'{figures[key]:10.3f}' for key in ('p50', 'p95', 'p99')))
            else:
                print(f'  {name:24}{value if isinstance(value, str) else json.dumps(value)}')


if __name__ == '__main__':
    main()
