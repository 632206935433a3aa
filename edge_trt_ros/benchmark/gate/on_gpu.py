# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Break engines on a GPU, their head included, and measure whether the verification refuses them.

    python -m edge_trt_ros.benchmark.gate.on_gpu [--onnx MODEL.onnx ...] [--jobs 8]

Prints the same tables as `benchmark.gate`, for the precisions fp32, fp16 and bf16. Every broken
engine is built from a broken graph. The kernels of the head are broken in their source.

As in a build, the graph is verified as well as the engine. What only the graph shows is listed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed, ProcessPoolExecutor
from dataclasses import dataclass, replace
import multiprocessing
import os
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import onnx

from edge_trt_ros.benchmark.gate.head_faults import faults_of_head, faulty_head
from edge_trt_ros.benchmark.gate.mutations import MUTATIONS
from edge_trt_ros.benchmark.gate.networks import network, NETWORKS
from edge_trt_ros.benchmark.gate.subject import Subject
from edge_trt_ros.benchmark.gate.tables import faithful_row, fault_table, HEADING
from edge_trt_ros.convert.build import build, BuiltEngine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import BuildPlan, plan_build
from edge_trt_ros.convert.precision.apply import apply_precision
from edge_trt_ros.convert.precision.bf16_emulation import emulated_bf16
from edge_trt_ros.convert.tensorrt.builder import engine_from_onnx
from edge_trt_ros.convert.verify import verify
from edge_trt_ros.errors import BuildError, EdgeTrtError
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.verification import ENGINE_RAN

PRECISIONS = ('fp32', 'fp16', 'bf16')
_IN_GRAPH = 'in the graph, not in the engine'


@dataclass(frozen=True)
class Answers:
    """
    What the verification said about the engines of one network in one precision.

    :param name: the network.
    :param precision: the precision.
    :param row: the row of the faithful engine; '' if it is refused.
    :param refused: why each broken engine is refused; '' for one that passes.
    :param problem: why the faithful engine is refused; '' if it is not.
    :param seconds: how long it took.
    """

    name: str
    precision: str
    row: str
    refused: dict[str, str]
    problem: str
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, break, and print the tables as Markdown."""
    parser = argparse.ArgumentParser(prog='on_gpu', description=__doc__)
    parser.add_argument('--tasks', nargs='*', default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument('--onnx', nargs='+', type=Path, default=[], metavar='MODEL.onnx',
                        help='files of other trained networks')
    parser.add_argument('--builds', nargs='+', default=list(PRECISIONS), choices=PRECISIONS)
    parser.add_argument('--jobs', type=int, default=max(1, (os.cpu_count() or 2) // 2))
    options = parser.parse_args(arguments)
    gpu = find_gpu()
    if gpu is None:
        print('there is no NVIDIA GPU here', file=sys.stderr)
        return 1
    with TemporaryDirectory() as name:
        files = [*options.onnx]
        for task in options.tasks:
            files.append(Path(name) / f'{task}.onnx')
            onnx.save(network(task), str(files[-1]))
        work = [(path, precision) for path in files for precision in options.builds]
        answers = list(_answers(work, options.jobs))
    return _print(answers, options.builds, f'{gpu.name}, {installed_tensorrt()}')


def answers_of(path: Path, precision: str) -> Answers:
    """
    Build an engine for this GPU, break it in every way, and verify each.

    :param path: the ONNX file of a trained network.
    :param precision: one of `PRECISIONS`.
    """
    started = perf_counter()
    plan = plan_build(path, BuildOptions(
        backend=installed_tensorrt(), precision=precision,
        task='tensors' if path.stem == 'depth' else ''))
    try:
        built = build(plan)
    except BuildError as error:
        return Answers(path.stem, precision, '', {}, str(error), perf_counter() - started)
    ran = built.manifest.verification[ENGINE_RAN]
    answers = dict(_broken_graphs(plan, built))
    for fault in faults_of_head(built.manifest.decoder, plan.found.task) \
            if built.manifest.decoding else ():
        with faulty_head(built.manifest.decoder, fault):
            answers[fault] = _refusal(plan, built.engine, built.manifest, precision)
    return Answers(
        path.stem, precision, faithful_row(path.stem, precision, built.manifest.verification),
        answers, '' if ran else 'it has not run', perf_counter() - started)


def _broken_graphs(plan: BuildPlan, built: BuiltEngine) -> Iterator[tuple[str, str]]:
    library = plan.toolchain.tensorrt
    if library is None:
        raise EdgeTrtError('TensorRT is not installed')
    precise = apply_precision(plan.graph, plan.found, plan.options, plan.toolchain,
                              plan.input_kinds)
    subject = Subject(plan.found.task, plan.checked.model)
    for fault, mutation in MUTATIONS.items():
        model = onnx.ModelProto()
        model.CopyFrom(precise.model)
        if not mutation(model, subject):
            continue
        engine = engine_from_onnx(model, plan.options, library).data
        manifest = replace(built.manifest, engine_sha256=sha256_hex(engine),
                           engine_size_bytes=len(engine))
        yield fault, _refusal(plan, engine, manifest, precise.precision) or _of_graph(
            plan, built, model, precise.precision)


def _of_graph(plan: BuildPlan, built: BuiltEngine, model: onnx.ModelProto, precision: str) -> str:
    if built.on_cpu is None:
        return ''
    graph = emulated_bf16(model) if precision == 'bf16' else model
    answer = _refusal(plan, graph.SerializeToString(), built.on_cpu.manifest, precision)
    return answer and f'{_IN_GRAPH}: {answer}'


def _refusal(plan: BuildPlan, engine: bytes, manifest: Any, precision: str) -> str:
    """Return why an engine is refused; '' if it passes."""
    try:
        verify(engine, manifest, plan.checked, plan.found, (), precision)
    except EdgeTrtError as error:
        return str(error)
    return ''


def _answers(work: Sequence[tuple[Path, str]], jobs: int) -> Iterator[Answers]:
    if jobs == 1:
        yield from (answers_of(*item) for item in work)
        return
    # CUDA cannot be used in a forked process.
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        for done in as_completed(pool.submit(answers_of, *item) for item in work):
            answers = done.result()
            print(f'{answers.name} {answers.precision}: {len(answers.refused)} faults in '
                  f'{answers.seconds:.0f} s', file=sys.stderr, flush=True)
            yield answers


def _print(answers: Sequence[Answers], builds: Sequence[str], title: str) -> int:
    """Print the tables; return 1 if a faithful engine is refused or a broken one passes."""
    order = sorted(answers, key=lambda one: (one.name, builds.index(one.precision)))
    print(f'{title}\n\n{HEADING}')
    refused: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    wrong = []
    for one in order:
        if one.row:
            print(one.row)
        if one.problem:
            wrong.append(f'the faithful {one.precision} engine of {one.name}: {one.problem}')
        for fault, answer in one.refused.items():
            refused.setdefault((fault, one.precision), []).append((one.name, bool(answer)))
            if answer.startswith(_IN_GRAPH):
                print(f'{one.name} in {one.precision}, {fault}, {answer}', file=sys.stderr)
            if not answer:
                wrong.append(f'{one.name} in {one.precision} passes with {fault}')
    print(fault_table(refused, builds))
    for problem in wrong:
        print(problem, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
