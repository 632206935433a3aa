# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run an engine on images or texts and print the results as JSON lines; needs no ROS graph."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from pathlib import Path
import sys
from typing import Any

import cv2

from edge_trt_ros.api.model import open_model
from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.cli._progress import phase_bar
from edge_trt_ros.files import write_file
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.sources.image_files import frame_from_file, image_paths
from edge_trt_ros.vision.thresholds import Thresholds


def main() -> None:
    """Parse the command line and detect."""
    parser = argparse.ArgumentParser(prog='detect', description=__doc__)
    parser.add_argument('engine', type=Path, help='an engine with its manifest, or an ONNX file')
    parser.add_argument('images', type=Path, nargs='*', help='image files or folders of images')
    parser.add_argument('--text', nargs='+', default=[], help='texts, for a text network')
    parser.add_argument('--backend', default='auto', help='library that must run it')
    parser.add_argument('--confidence', type=float, default=0.25,
                        help='minimum score of a detection')
    parser.add_argument('--nms', type=float, default=0.45,
                        help='IoU above which a box is suppressed')
    parser.add_argument('--output', type=Path, metavar='DIR', help='folder for drawings')
    arguments = parser.parse_args()
    if bool(arguments.images) == bool(arguments.text):
        parser.error('give images, or --text')

    def work() -> None:
        thresholds = Thresholds(confidence=arguments.confidence, nms_iou=arguments.nms)
        with _bar() as progress, open_model(
                arguments.engine, backend=arguments.backend, thresholds=thresholds) as model:
            paths = list(image_paths(arguments.images))
            given: Iterator[tuple[dict[str, Any], Frame | str]] = chain(
                _texts(arguments.text), _images(paths))
            count = len(arguments.text) + len(paths)
            for index, (source, sample) in enumerate(given):
                progress('detect', index / count)
                result = model(sample)
                print_json({**source, **model.to_dict(result), 'stage_times_ms': {
                    stage: round(value, 3) for stage, value in model.stage_times_ms.items()}})
                if arguments.output and isinstance(sample, Frame):
                    _write_png(arguments.output / f"{Path(source['image']).stem}.png",
                               model.draw(sample, result))
    run_command(work)


def _bar() -> AbstractContextManager[Callable[[str, float], None]]:
    """Return a progress bar, unless the results on the terminal show the progress."""
    return nullcontext(lambda phase, fraction: None) if sys.stdout.isatty() else phase_bar()


def _images(paths: Sequence[Path]) -> Iterator[tuple[dict[str, Any], Frame]]:
    for path in paths:
        frame = frame_from_file(path)
        yield {'image': str(path), 'size_wh': frame.size_wh}, frame


def _texts(texts: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:
    for text in texts:
        yield {'text': text}, text


def _write_png(path: Path, pixels: Any) -> None:
    write_file(path, cv2.imencode('.png', pixels)[1].tobytes())


if __name__ == '__main__':
    main()
