# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Write the two tables of `doc/explanation/verification.md`: faithful builds, and broken engines.

    python -m edge_trt_ros.benchmark.gate [--onnx MODEL.onnx ...]

Takes some ten minutes on two cores. Exits with 1 if a faithful build is refused or a broken
engine passes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
import sys
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from edge_trt_ros.benchmark.gate.networks import NETWORKS
from edge_trt_ros.benchmark.gate.road_data import CALIBRATION_FRAMES, write_frames
from edge_trt_ros.benchmark.gate.tables import faithful_row, fault_table, HEADING
from edge_trt_ros.benchmark.gate.trial import (BUILDS, faithful, faithful_engine, faults_of,
                                               Trial)
from edge_trt_ros.errors import BuildError, EdgeTrtError

_CALIBRATIONS = ('black images', 'white noise')


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, break, and print the tables as Markdown."""
    parser = argparse.ArgumentParser(prog='gate', description=__doc__)
    parser.add_argument('--tasks', nargs='*', default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument('--onnx', nargs='+', type=Path, default=[], metavar='MODEL.onnx',
                        help='files of other trained networks')
    parser.add_argument('--builds', nargs='+', default=list(BUILDS), choices=list(BUILDS))
    options = parser.parse_args(arguments)
    refused: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    wrong: list[str] = []
    print(HEADING)
    with TemporaryDirectory() as name:
        folder = Path(name)
        images = _write_images(folder)
        for network in (*options.tasks, *options.onnx):
            name = network.stem if isinstance(network, Path) else network
            for kind in options.builds:
                try:
                    trial = _faithful(network, kind, folder, images['road'])
                except BuildError as error:
                    wrong.append(f'the faithful {kind} build of {name} is refused: {error}')
                    continue
                print(faithful_row(trial.name, kind, trial.verification), flush=True)
                answers = {**faults_of(trial), **dict(
                    _calibrated(network, kind, folder, images))}
                for fault, answer in answers.items():
                    refused.setdefault((fault, kind), []).append((name, bool(answer)))
                    if not answer:
                        wrong.append(f'{name} in {kind} passes with {fault}')
    print(fault_table(refused, options.builds))
    for problem in wrong:
        print(problem, file=sys.stderr)
    return 1 if wrong else 0


def _write_images(folder: Path) -> dict[str, Path]:
    """Write calibration images: those of the road, and two sets that show nothing."""
    folders = {name: folder / name for name in _CALIBRATIONS}
    for path in folders.values():
        path.mkdir()
    random = np.random.default_rng(0)
    for index in range(4):
        cv2.imwrite(str(folders['black images'] / f'{index}.png'),
                    np.zeros((360, 640, 3), np.uint8))
        cv2.imwrite(str(folders['white noise'] / f'{index}.png'),
                    random.integers(0, 256, (360, 640, 3), np.uint8))
    return {'road': write_frames(folder / 'road', CALIBRATION_FRAMES), **folders}


def _faithful(network: str | Path, kind: str, folder: Path, calibration: Path) -> Trial:
    return faithful_engine(network, kind, calibration) if isinstance(network, Path) \
        else faithful(network, kind, folder, calibration)


def _calibrated(network: str | Path, kind: str, folder: Path, images: dict[str, Path]
                ) -> Iterator[tuple[str, str]]:
    for calibration in _CALIBRATIONS if kind.startswith('int8') else ():
        try:
            _faithful(network, kind, folder, images[calibration])
            yield f'calibrated on {calibration}', ''
        except EdgeTrtError as error:
            yield f'calibrated on {calibration}', str(error)


if __name__ == '__main__':
    sys.exit(main())
