# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The plan of a build: all decisions are made, nothing is built.

`plan_build` reads the ONNX file and decides how to build it, in about a second. A plan can be
printed and compared; `convert.build` executes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter

import onnx

from edge_trt_ros.convert.graph.check import check_onnx, CheckedOnnx
from edge_trt_ros.convert.graph.facts import graph_facts
from edge_trt_ros.convert.head_facts import batch_facts, cut_facts
from edge_trt_ros.convert.input_kinds import assumption, input_kinds
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan_identity import PlanIdentity
from edge_trt_ros.convert.precision.apply import first_precision
from edge_trt_ros.convert.precision.calibration import calibration_sha256
from edge_trt_ros.convert.precision.sparsity import check_sparsity
from edge_trt_ros.convert.tasks.fuse import decodes_on_device, expose, fuse
from edge_trt_ros.convert.tensorrt.builder import check_parses
from edge_trt_ros.convert.toolchain import find_toolchain, Toolchain
from edge_trt_ros.errors import ConfigurationError, EdgeTrtError
from edge_trt_ros.heads import recognise, RecognisedHead
from edge_trt_ros.network_input import check_inputs, NetworkInput
from edge_trt_ros.vision.tasks import TASKS

# An engine is about as large as its weights, rarely twice as large. The old engine stays on disk
# until the new one is complete.
_DISK_FACTOR = 2
# Peak memory of builds of convolutional networks of 0 to 460 MB: the libraries, and up to 11.6
# times the weights (fp16).
_MEMORY_BASE_BYTES, _MEMORY_FACTOR = 300_000_000, 12


@dataclass(frozen=True)
class BuildPlan:
    """
    What will be built.

    Two plans are equal if their identities are: then they build the same engine.

    :param identity: everything that determines the engine.
    :param checked: the network.
    :param found: its head.
    :param input_kinds: what the network reads, and how that fills its input tensors.
    :param precision: precision of the network; if `best` was requested, 'int8' may still fall
        back to 'fp16' when the accuracy drop exceeds the budget.
    :param toolchain: the library that builds it.
    :param graph: the network in float32, with its head appended or with the raw outputs that the
        GPU decodes; not modified.
    :param sparsity: the pattern of zeros in the weights, if sparsity is requested; else ''.
    :param facts: findings about the network and its build, a sentence each.
    :param seconds: time that planning took.
    """

    identity: PlanIdentity
    checked: CheckedOnnx = field(compare=False, repr=False)
    found: RecognisedHead = field(compare=False)
    input_kinds: tuple[NetworkInput, ...] = field(compare=False, repr=False)
    precision: str = field(compare=False)
    toolchain: Toolchain = field(compare=False)
    graph: onnx.ModelProto = field(compare=False, repr=False)
    sparsity: str = field(compare=False, repr=False)
    facts: tuple[str, ...] = field(compare=False, repr=False)
    seconds: float = field(compare=False, repr=False)

    @property
    def options(self) -> BuildOptions:
        """The build options."""
        return self.identity.options

    @property
    def key(self) -> str:
        """64 hexadecimal digits that are equal for equal plans."""
        return self.identity.key()

    @property
    def disk_bytes(self) -> int:
        """Maximum disk space that the installation of the engine needs."""
        return _DISK_FACTOR * self.checked.size_bytes

    @property
    def memory_bytes(self) -> int:
        """Estimated peak of the host memory that the build needs."""
        return _MEMORY_BASE_BYTES + _MEMORY_FACTOR * self.checked.size_bytes

    def __str__(self) -> str:
        return '\n'.join([*self.facts, self.sentence()])

    def sentence(self) -> str:
        """Return the disk space and memory that the build needs, as a sentence."""
        return (f'can be built: plan {self.key[:12]}, up to {self.disk_bytes / 1e6:.0f} MB of '
                f'disk, about {self.memory_bytes / 1e6:.0f} MB of memory')


@dataclass
class PlanDraft:
    """
    A complete plan, or the reasons why the network cannot be built.

    :param facts: findings about the network and its build, a sentence each.
    :param errors: why it cannot be built; empty if it can.
    :param plan: the plan; None if it cannot be built.
    """

    facts: list[str] = field(default_factory=list)
    errors: list[EdgeTrtError] = field(default_factory=list)
    plan: BuildPlan | None = None

    def __str__(self) -> str:
        return str(self.plan) if self.plan else '\n'.join(
            [*self.facts, *(f'refused: {error}' for error in self.errors)])

    def attempt(self, step: Callable[[], None]) -> None:
        """Run a step; if it fails, keep its error."""
        try:
            step()
        except EdgeTrtError as error:
            self.errors.append(error)


def plan_build(onnx_path: Path, options: BuildOptions) -> BuildPlan:
    """
    Decide everything about a build.

    :param onnx_path: the ONNX file.
    :param options: what to build.
    :raises EdgeTrtError: the first error if it cannot be built.
    """
    draft = draft_plan(onnx_path, options)
    if draft.plan is None:
        raise draft.errors[0]
    return draft.plan


def draft_plan(onnx_path: Path, options: BuildOptions) -> PlanDraft:
    """
    Make a plan, or collect all errors that prevent it.

    :param onnx_path: the ONNX file.
    :param options: what to build.
    """
    drafting = _Drafting(options)
    drafting.draft.attempt(drafting.find_toolchain)
    drafting.draft.attempt(lambda: drafting.check(onnx_path))
    if drafting.checked is not None:
        for step in (drafting.recognise, drafting.append_head, drafting.choose_precision,
                     drafting.parse, drafting.look_at_weights, drafting.calibration):
            drafting.draft.attempt(partial(step, drafting.checked))
        drafting.finish(drafting.checked)
    return drafting.draft


class _Drafting:
    """The steps of planning; a step does nothing if a step that it depends on has failed."""

    def __init__(self, options: BuildOptions) -> None:
        self.draft = PlanDraft()
        self._started = perf_counter()
        self.checked: CheckedOnnx | None = None
        self._options = options
        self._toolchain: Toolchain | None = None
        self._found: RecognisedHead | None = None
        self._kinds: tuple[NetworkInput, ...] = ()
        self._graph: onnx.ModelProto | None = None
        self._precision = self._sparsity = self._calibration_sha256 = ''

    def find_toolchain(self) -> None:
        self._toolchain = find_toolchain(self._options)

    def check(self, onnx_path: Path) -> None:
        self.checked = check_onnx(onnx_path, self._options.input_shape,
                                  self._options.contract)
        self.draft.facts += graph_facts(self.checked)

    def recognise(self, checked: CheckedOnnx) -> None:
        options = self._options
        found = recognise(checked, options.given, checked.reads_text)
        values = 'boxes' if TASKS[found.task].has_boxes else 'values'
        self.draft.facts.append(f'{found.task}, head {found.name}: {len(found.labels)} classes, '
                                f'{found.rows} {values}')
        self._kinds = input_kinds(checked, found, options)
        check_inputs(self._kinds, checked.inputs)
        self.draft.facts += [f'reads {kind}' for kind in self._kinds]
        assumed = assumption(checked, found, options.input_contract)
        self.draft.facts += [assumed] if assumed else []
        self._found = found

    def append_head(self, checked: CheckedOnnx) -> None:
        if self._found is None or self._toolchain is None:
            return
        if decodes_on_device(self._found, self._toolchain.tensorrt):
            self._graph = expose(checked, self._found)
            self.draft.facts.append(f'head {self._found.name} is decoded by kernels on the GPU')
        else:
            self._graph = fuse(checked, self._found, self._options.max_candidates)
            self.draft.facts += cut_facts(self._found, self._options.max_candidates)
        self.draft.facts += batch_facts(self._options.max_batch, self._graph, self._found,
                                        self._toolchain.tensorrt)

    def choose_precision(self, checked: CheckedOnnx) -> None:
        if self._toolchain is None:
            return
        if (checked.reads_text or checked.contract) and (
                self._options.calibration or self._options.precision == 'int8'):
            reads = 'texts' if checked.reads_text else 'tensors'
            raise ConfigurationError('int8 is calibrated on images, and this network reads '
                                     f'{reads}: choose fp16', code='precision_unsupported')
        self._precision = first_precision(self._options, self._toolchain)
        self.draft.facts.append(f'built by {self._toolchain.backend} {self._toolchain.version} '
                                f'in {self._precision}')

    def parse(self, checked: CheckedOnnx) -> None:
        if self._toolchain is not None and self._toolchain.tensorrt is not None:
            check_parses(self._graph or checked.model, self._toolchain.tensorrt)

    def look_at_weights(self, checked: CheckedOnnx) -> None:
        if self._options.sparsity:
            self._sparsity = str(check_sparsity(self._graph or checked.model))
            self.draft.facts.append(self._sparsity)

    def calibration(self, checked: CheckedOnnx) -> None:
        self._calibration_sha256 = calibration_sha256(self._options)
        if self._calibration_sha256:
            self.draft.facts.append(f'calibrated on images {self._calibration_sha256[:12]} of '
                                    f'{self._options.calibration}')

    def finish(self, checked: CheckedOnnx) -> None:
        if self.draft.errors or self._found is None or self._toolchain is None \
                or self._graph is None:
            return
        library = self._toolchain
        self.draft.plan = BuildPlan(
            PlanIdentity(checked.sha256, self._options, self._calibration_sha256,
                         library.backend, library.version, library.device),
            checked, self._found, self._kinds, self._precision, library, self._graph,
            self._sparsity, tuple(self.draft.facts), perf_counter() - self._started)
