# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Write the two tables of `doc/explanation/verification.md`: faithful builds, and broken engines.

    python -m edge_trt_ros.benchmark.gate

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

from edge_trt_ros.benchmark.gate.mutations import MUTATIONS
from edge_trt_ros.benchmark.gate.networks import NETWORKS
from edge_trt_ros.benchmark.gate.trial import BUILDS, faithful, faults_of, Trial
from edge_trt_ros.demo.detector.samples import scene_frames, TRAINING_SEED
from edge_trt_ros.errors import BuildError

_IMAGES = 24
_CALIBRATIONS = ('black images', 'white noise')


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, break, and print the tables as Markdown."""
    parser = argparse.ArgumentParser(prog='gate', description=__doc__)
    parser.add_argument('--tasks', nargs='+', default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument('--builds', nargs='+', default=list(BUILDS), choices=list(BUILDS))
    options = parser.parse_args(arguments)
    refused: dict[tuple[str, str], list[str]] = {}
    wrong: list[str] = []
    print('| network | build | tensors | layers: gain, scatter | results |\n|---|---|---|---|---|')
    with TemporaryDirectory() as name:
        folder = Path(name)
        images = _write_images(folder)
        for task in options.tasks:
            for kind in options.builds:
                try:
                    trial = faithful(task, kind, folder, images['road'])
                except BuildError as error:
                    wrong.append(f'the faithful {kind} build of {task} is refused: {error}')
                    continue
                print(_row(trial, kind), flush=True)
                answers = {**faults_of(trial), **dict(_calibrated(task, kind, folder, images))}
                for fault, answer in answers.items():
                    refused.setdefault((fault, kind), []).append(task if answer else f'*{task}*')
                    if not answer:
                        wrong.append(f'{task} in {kind} passes with {fault}')
    _print_faults(refused, options.builds)
    for problem in wrong:
        print(problem, file=sys.stderr)
    return 1 if wrong else 0


def _write_images(folder: Path) -> dict[str, Path]:
    """Write calibration images: those of the road, and two sets that show nothing."""
    folders = {name: folder / name for name in ('road', *_CALIBRATIONS)}
    for path in folders.values():
        path.mkdir()
    for index, frame in enumerate(scene_frames(TRAINING_SEED, _IMAGES, 2)):
        cv2.imwrite(str(folders['road'] / f'{index:02d}.png'), frame.image)
    random = np.random.default_rng(0)
    for index in range(4):
        cv2.imwrite(str(folders['black images'] / f'{index}.png'),
                    np.zeros((360, 640, 3), np.uint8))
        cv2.imwrite(str(folders['white noise'] / f'{index}.png'),
                    random.integers(0, 256, (360, 640, 3), np.uint8))
    return folders


def _calibrated(task: str, kind: str, folder: Path, images: dict[str, Path]
                ) -> Iterator[tuple[str, str]]:
    for calibration in _CALIBRATIONS if kind.startswith('int8') else ():
        try:
            faithful(task, kind, folder, images[calibration])
            yield f'calibrated on {calibration}', ''
        except BuildError as error:
            yield f'calibrated on {calibration}', str(error)


def _row(trial: Trial, kind: str) -> str:
    verification = trial.verification
    tensors, layers = verification['tensors'], verification['layers']
    return (f"| {trial.task} | {kind} | {tensors['relative_l2']:.2g} | {layers['gain']:.2g}, "
            f"{layers['scatter']:.2g} | {verification['agreement']} |")


def _print_faults(refused: dict[tuple[str, str], list[str]], builds: Sequence[str]) -> None:
    """Print in how many networks each fault is refused; a star marks one where it passes."""
    print(f"\n| fault | {' | '.join(builds)} |\n|---|{'---|' * len(builds)}")
    for fault in (*MUTATIONS, *(f'calibrated on {name}' for name in _CALIBRATIONS)):
        cells = []
        for kind in builds:
            tasks = refused.get((fault, kind), [])
            missed = [task.strip('*') for task in tasks if task.startswith('*')]
            cells.append(f'{len(tasks) - len(missed)} of {len(tasks)}' + (
                f" (not {', '.join(missed)})" if missed else '') if tasks else '')
        print(f"| {fault} | {' | '.join(cells)} |")


if __name__ == '__main__':
    sys.exit(main())
