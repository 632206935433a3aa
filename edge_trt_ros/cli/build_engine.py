# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Build an engine and its manifest from an ONNX file."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from time import monotonic, sleep

from edge_trt_ros.cli._command import DONE, print_json, REFUSED, run_command
from edge_trt_ros.cli._options import add_options, read_options
from edge_trt_ros.cli._progress import progress_bar, REFRESH_S
from edge_trt_ros.convert.build_job import BuildJob, BuildOutcome
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.optional_libraries import require_converter


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog='build_engine', description=__doc__)
    parser.add_argument('onnx', type=Path, metavar='MODEL.onnx',
                        help="an ONNX file, or an .engine of Ultralytics' exporter to adopt")
    parser.add_argument('-o', '--output', type=Path, metavar='ENGINE', help='engine file to write')
    add_options(parser)
    parser.add_argument('--check', action='store_true',
                        help='print the plan, or all errors, without building')
    parser.add_argument('--force', action='store_true', help='rebuild even if it is fresh')
    _add_serving(parser)
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()
    if arguments.output is None and not arguments.check:
        parser.error('the path of the engine is missing: give -o ENGINE')

    def work() -> int:
        options = read_options(arguments)
        if arguments.check:
            return _check(arguments.onnx, options, arguments.json)
        if arguments.onnx.suffix == '.engine':
            return _adopt(arguments)
        return _build(arguments, options)
    run_command(work)


def _add_serving(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('serving')
    group.add_argument('--serve', type=Path, metavar='DIR', help='also write the engine into this '
                       "model repository of a Triton server, named as the engine's file")
    group.add_argument('--serve-backend', choices=('onnxruntime', 'python'),
                       default='onnxruntime', help="the server's back end for an ONNX engine; "
                       'python for a server without the other (default: onnxruntime)')
    group.add_argument('--serve-instances', type=int, default=1, metavar='N', choices=range(1, 65),
                       help='copies of the network that run side by side (default: 1)')


def _serve(arguments: argparse.Namespace) -> str:
    if arguments.serve is None:
        return ''
    from edge_trt_ros.convert.serve.repository import write_served_model
    engine, manifest = read_engine(arguments.output)
    return write_served_model(
        arguments.serve, arguments.output.stem, engine, manifest, arguments.serve_backend,
        arguments.serve_instances).sentence()


def _check(onnx_path: Path, options: BuildOptions, as_json: bool) -> int:
    require_converter('this command')
    from edge_trt_ros.convert.plan import draft_plan
    draft = draft_plan(onnx_path, options)
    if as_json:
        plan = draft.plan
        print_json({'onnx': str(onnx_path), 'facts': draft.facts,
                    'problems': [str(error) for error in draft.errors],
                    'plan': plan and {**plan.identity.to_dict(), 'key': plan.key,
                                      'disk_bytes': plan.disk_bytes,
                                      'memory_bytes': plan.memory_bytes}})
    else:
        print(draft)
    return REFUSED if draft.errors else DONE


def _adopt(arguments: argparse.Namespace) -> int:
    require_converter('this command')
    from edge_trt_ros.convert.adopt import adopt_engine
    target = arguments.output
    manifest = adopt_engine(arguments.onnx, target)
    served = _serve(arguments)
    if arguments.json:
        print_json({'engine': str(target), 'built': False, 'reason': 'taken over',
                    'served': served, 'manifest': manifest.to_dict()})
    else:
        print(f'{target}: adopted unchanged, task {manifest.task} with {len(manifest.labels)} '
              'labels; not compared with its ONNX')
        _print_served(served)
    return DONE


def _build(arguments: argparse.Namespace, options: BuildOptions) -> int:
    job = BuildJob(arguments.onnx, arguments.output, options, arguments.force)
    try:
        outcome = _watch(job)
    finally:
        job.close()
    served = _serve(arguments)
    if arguments.json:
        print_json({'engine': str(arguments.output), 'built': bool(outcome.reason),
                    'reason': outcome.reason, 'served': served,
                    'manifest': outcome.manifest.to_dict()})
    else:
        print(f'{arguments.output}: {outcome.sentence()}')
        _print_served(served)
        if outcome.warning:
            print(f'warning: {outcome.warning}', file=sys.stderr)
    return DONE


def _print_served(served: str) -> None:
    if served:
        print(served)


def _watch(job: BuildJob) -> BuildOutcome:
    with progress_bar() as bar:
        shown = monotonic()
        while True:
            outcome = job.poll()
            bar.set_description_str(job.phase, refresh=False)
            bar.n = round(100 * job.fraction)
            if outcome is not None:
                return outcome
            # By time: `update` skips small steps, and the elapsed seconds would not change.
            if monotonic() - shown > REFRESH_S:
                shown = monotonic()
                bar.refresh()
            sleep(0.05)


if __name__ == '__main__':
    main()
