"""ONNX to an installed engine and its manifest, with a progress bar."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from time import sleep

from tqdm import tqdm

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.convert.build_job import BuildJob, BuildOutcome
from edge_trt_ros.convert.recipe import BACKENDS, ConversionRecipe, labels_from_file, PRECISIONS
from edge_trt_ros.convert.recipe import shape_from_text, TASKS


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog='build_engine', description=__doc__)
    parser.add_argument('onnx', type=Path, metavar='MODEL.onnx')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='ENGINE')
    parser.add_argument('--backend', choices=BACKENDS, default='auto')
    parser.add_argument('--precision', choices=PRECISIONS, default='fp32')
    parser.add_argument('--input-shape', default='', metavar='1x3x640x640',
                        help='for an ONNX that leaves its dimensions open')
    parser.add_argument('--labels', default='', metavar='FILE', help='one label a line')
    parser.add_argument('--max-candidates', type=int, default=1000, metavar='K',
                        help='boxes that leave the device for each image, before NMS')
    parser.add_argument('--task', choices=TASKS[1:], default='',
                        help='what the network is for, if its ONNX does not state it')
    parser.add_argument('--force', action='store_true', help='build even if it is fresh')
    parser.add_argument('--json', action='store_true', help='the manifest as JSON on stdout')
    arguments = parser.parse_args()

    def work() -> None:
        recipe = ConversionRecipe(
            arguments.backend, arguments.precision, shape_from_text(arguments.input_shape),
            arguments.max_candidates, labels_from_file(arguments.labels),
            arguments.task)
        job = BuildJob(arguments.onnx, arguments.output, recipe, arguments.force)
        try:
            outcome = _watch(job)
        finally:
            job.close()
        if arguments.json:
            print_json({'engine': str(arguments.output), 'built': bool(outcome.reason),
                        'reason': outcome.reason, 'manifest': outcome.manifest.to_dict()})
        else:
            print(f'{arguments.output}: {outcome.sentence()}')
    run_command(work)


def _watch(job: BuildJob) -> BuildOutcome:
    # disable=None: a bar for a terminal, nothing in a log.
    with tqdm(total=100, unit='%', file=sys.stderr, leave=False, disable=None,
              bar_format='{desc:16} {bar} {percentage:3.0f} % {elapsed}') as bar:
        while True:
            outcome = job.poll()
            bar.set_description_str(job.phase, refresh=False)
            bar.update(round(100 * job.fraction) - bar.n)
            if outcome is not None:
                return outcome
            sleep(0.05)


if __name__ == '__main__':
    main()
