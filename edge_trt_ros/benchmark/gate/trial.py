# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Build an engine of a trained network, break it, and ask the verification about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import onnx

from edge_trt_ros.benchmark.gate.mutations import MUTATIONS
from edge_trt_ros.benchmark.gate.networks import network
from edge_trt_ros.benchmark.gate.subject import Subject
from edge_trt_ros.convert.build import build
from edge_trt_ros.convert.compare.samples import given_samples
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import plan_build
from edge_trt_ros.convert.verify import verify
from edge_trt_ros.errors import BuildError

# bf16 and the mix of int8 with fp16 are built for TensorRT for RTX, which needs no GPU; the graph
# that the engine is built from runs on the CPU.
BUILDS: Mapping[str, tuple[str, str]] = MappingProxyType({
    'fp32': ('onnxruntime', 'fp32'), 'fp16': ('onnxruntime', 'fp16'),
    'bf16': ('tensorrt_rtx', 'bf16'), 'int8': ('onnxruntime', 'int8'),
    'int8 + fp16': ('tensorrt_rtx', 'int8')})


@dataclass(frozen=True)
class Trial:
    """
    A faithful engine of a trained network.

    :param name: name of the network.
    :param plan: its plan.
    :param engine: bytes of the graph for ONNX Runtime.
    :param manifest: manifest of the graph.
    :param verification: what the verification measured.
    """

    name: str
    plan: Any
    engine: bytes
    manifest: Any
    verification: Mapping[str, Any]

    def refusal(self, fault: str) -> str | None:
        """
        Break the engine; return why it is refused, '' if it passes, None if it has no such part.

        :param fault: key of `MUTATIONS`.
        """
        model = onnx.load_from_string(self.engine)
        if not MUTATIONS[fault](model, Subject(self.plan.found.task, self.plan.checked.model)):
            return None
        try:
            verify(model.SerializeToString(), self.manifest, self.plan.checked, self.plan.found,
                   given_samples(self.plan.options), self.manifest.layers['precision'])
        except BuildError as error:
            return str(error)
        return ''


def faithful(task: str, kind: str, folder: Path, calibration: Path) -> Trial:
    """
    Build an engine of a network of `networks.NETWORKS`.

    :param task: key of `networks.NETWORKS`.
    :param kind: key of `BUILDS`.
    :param folder: folder for the ONNX file.
    :param calibration: folder of images for int8.
    :raises BuildError: if the verification refuses it.
    """
    path = folder / f'{task}.onnx'
    onnx.save(network(task), str(path))
    return faithful_engine(path, kind, calibration, 'tensors' if task == 'depth' else '')


def faithful_engine(path: Path, kind: str, calibration: Path, task: str = '') -> Trial:
    """
    Build an engine of an ONNX file (see `faithful`).

    :param path: the ONNX file of a trained network.
    :param task: its task; '' recognises it.
    """
    backend, precision = BUILDS[kind]
    plan = plan_build(path, BuildOptions(
        backend=backend, precision=precision, task=task,
        calibration=str(calibration) if precision == 'int8' else ''))
    built = build(plan)
    on_cpu = built.on_cpu or built
    return Trial(path.stem, plan, on_cpu.engine, on_cpu.manifest, built.manifest.verification)


def faults_of(trial: Trial, names: Sequence[str] = tuple(MUTATIONS)) -> dict[str, str]:
    """Return for each fault that an engine can have why it is refused; '' if it passes."""
    answers = {name: trial.refusal(name) for name in names}
    return {name: answer for name, answer in answers.items() if answer is not None}
