# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Write the precision into the graph, the same way for each library that runs it.

fp32 leaves the graph unchanged; fp16 and bf16 insert casts. int8 quantises the layers that the
accuracy budget allows and computes the rest in fp16 on a GPU, in fp32 on a CPU. On a GPU, best
uses int8 if there are calibration images and the accuracy budget holds, and falls back to fp16.
On a CPU it uses fp32, because int8 is slower without VNNI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from edge_trt_ros.convert.graph.edit import decoding_nodes, prepared, weighted_nodes
from edge_trt_ros.convert.graph.inputs import graph_inputs, tensor_spec
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.precision.calibration import calibration_set, CalibrationSet
from edge_trt_ros.convert.precision.calibration_cache import cached_ranges, calibration_key
from edge_trt_ros.convert.precision.calibration_content import check_content
from edge_trt_ros.convert.precision.half import to_low_precision
from edge_trt_ros.convert.precision.int8 import (CPU_WEIGHT, nodes_of_detector,
                                                 quantizable_nodes)
from edge_trt_ros.convert.precision.ranges import (Feed, measure_ranges, overflowing_nodes,
                                                   TensorRange)
from edge_trt_ros.convert.precision.reached import check_reached
from edge_trt_ros.convert.precision.sensitivity import hold_budget, Quantized
from edge_trt_ros.convert.tasks import TASKS as CONVERT_TASKS
from edge_trt_ros.convert.tasks.fuse import decoder_for
from edge_trt_ros.convert.toolchain import Toolchain
from edge_trt_ros.errors import BuildError, ConfigurationError
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.network_input import ImageInput, NetworkInput
from edge_trt_ros.vision.letterbox import Letterbox, NO_PICTURE
from edge_trt_ros.vision.tasks import Result, TASKS
from edge_trt_ros.vision.thresholds import Thresholds

_JUDGING_IMAGES = 24
# Q/DQ with fp16 scales.
_OPSET = 19


@dataclass(frozen=True)
class PreciseGraph:
    """
    A graph in the requested precision.

    :param model: the graph.
    :param precision: its precision; the chosen precision if 'best' was requested.
    :param facts: layers left in higher precision and the accuracy drop, for the manifest.
    """

    model: onnx.ModelProto
    precision: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def apply_precision(model: onnx.ModelProto, found: RecognisedHead, options: BuildOptions,
                    toolchain: Toolchain, kinds: Sequence[NetworkInput], *,
                    cache_path: Path | None = None,
                    progress: Callable[[str, float], None] = lambda phase, fraction: None
                    ) -> PreciseGraph:
    """
    Write a precision into a graph.

    :param model: the graph with its head appended, in float32; not modified.
    :param found: the head.
    :param options: precision, calibration and accuracy budget.
    :param toolchain: the library that will build it.
    :param kinds: what the network reads, and how that fills its input tensors.
    :param cache_path: cache file for measured ranges.
    :param progress: called with a phase and the fraction of this step.
    :raises ConfigurationError: if the library or the GPU lacks this precision, or if the
        precision needs calibration images and there are none.
    :raises ImageError: for a calibration image that cannot be decoded.
    :raises BuildError: if int8 exceeds the accuracy budget, or if the main layers do not reach
        the precision.
    """
    wanted = first_precision(options, toolchain)
    if wanted == 'fp32':
        return PreciseGraph(model, 'fp32')
    work = _Work(prepared(model, _OPSET), found, options, toolchain, kinds, cache_path, progress)
    precise = _precise(work, wanted, options.precision == 'int8')
    check_reached(precise.model, precise.precision)
    return precise


def _precise(work: _Work, wanted: str, only: bool) -> PreciseGraph:
    if wanted == 'int8':
        work.check_calibration()
        try:
            return work.int8()
        except BuildError:
            if only:
                raise
            wanted = 'fp16'
    return work.half(wanted)


def first_precision(options: BuildOptions, toolchain: Toolchain) -> str:
    """
    Return the precision to try first.

    :raises ConfigurationError: if the precision is unsupported, or needs calibration images and
        there are none.
    """
    wanted, name = options.precision, f'{toolchain.backend} {toolchain.version}'
    if wanted == 'best':
        if toolchain.tensorrt is None:
            return 'fp32'
        return 'int8' if options.calibration and _builds_int8(toolchain) else 'fp16'
    if wanted == 'bf16':
        old = [capability for capability in toolchain.compute_capabilities(options)
               if float(capability) < 8.0]
        if toolchain.tensorrt is None or old:
            where = f'GPUs of compute capability {old[0]}' if old else name
            raise ConfigurationError(f'precision is bf16, which {where} cannot compute: choose '
                                     'fp16 or fp32', code='precision_unsupported')
    if wanted == 'int8':
        if not _builds_int8(toolchain):
            raise ConfigurationError(f'precision is int8, but {name} builds no int8 '
                                     'convolutions: update it to 1.7.1, or choose fp16',
                                     code='precision_unsupported')
        if not options.calibration:
            raise ConfigurationError('precision is int8, which needs calibration images: set '
                                     'calibration to a folder of them or to a bag',
                                     code='calibration_missing')
    return wanted


def _builds_int8(toolchain: Toolchain) -> bool:
    library = toolchain.tensorrt
    return library is None or not library.is_rtx or tuple(
        int(part) for part in library.version.split('.')[:3]) >= (1, 7, 1)


class _Work:
    """Converts a graph to a precision."""

    def __init__(self, base: onnx.ModelProto, found: RecognisedHead, options: BuildOptions,
                 toolchain: Toolchain, kinds: Sequence[NetworkInput], cache_path: Path | None,
                 progress: Callable[[str, float], None]) -> None:
        self._base, self._found, self._options = base, found, options
        self._toolchain, self._kinds = toolchain, kinds
        self._cache_path, self._progress = cache_path, progress
        self._decoding = decoding_nodes(base.graph)
        self._inputs = [tensor_spec(value, Path())
                        for value in graph_inputs(base.graph).values()]
        self._images = calibration_set(options)
        self._ranges = self._measure(self._images) if self._images else {}
        self._overflowing = overflowing_nodes(base.graph, self._ranges) - self._decoding

    def check_calibration(self) -> None:
        """Refuse calibration images that show nothing (see `check_content`)."""
        if self._images:
            check_content(self._images)

    def half(self, precision: str) -> PreciseGraph:
        """Return the graph in fp16 or bf16."""
        overflowing = self._overflowing if precision == 'fp16' else set()
        return PreciseGraph(
            to_low_precision(self._base, precision, self._decoding | overflowing), precision,
            {'overflow_in_fp32': sorted(overflowing)} if overflowing else {})

    def int8(self) -> PreciseGraph:
        """Return the graph with as many layers in int8 as the accuracy budget allows."""
        nodes = quantizable_nodes(self._base.graph, self._ranges, self._decoding)
        if TASKS[self._found.task].has_boxes:
            nodes = nodes_of_detector(self._base.graph, nodes)
        if not nodes:
            raise BuildError('no convolution or matrix product of this network supports int8: '
                             'choose fp16')
        feeds = list(islice(self._feeds(), _JUDGING_IMAGES))
        reference = self._results(self._base, feeds)
        share_kept = CONVERT_TASKS[self._found.task].share_kept

        def drop_of(candidate: onnx.ModelProto) -> float:
            results = self._results(self._finished(candidate), feeds)
            return 1 - share_kept(list(zip(reference, results)))
        quantized: Quantized = hold_budget(
            self._base, self._ranges, nodes, self._decoding, feeds, drop_of,
            self._options.max_accuracy_drop,
            lambda fraction: self._progress('rank layers', 0.7 + 0.3 * fraction),
            127 if self._toolchain.tensorrt else CPU_WEIGHT)
        return PreciseGraph(self._finished(quantized.model), 'int8', {
            'left_for_accuracy': list(quantized.left), 'accuracy_drop': round(quantized.drop, 5),
            'judged_on': f'{len(feeds)} images',
            **({'overflow_in_fp32': sorted(self._overflowing)} if self._overflowing else {})})

    def _finished(self, quantized: onnx.ModelProto) -> onnx.ModelProto:
        if self._toolchain.tensorrt is None:
            return quantized
        return to_low_precision(quantized, 'fp16', self._decoding | self._overflowing)

    def _feeds(self) -> Iterator[Feed]:
        return self._images.feeds(self._kinds, self._inputs) if self._images else iter(())

    def _measure(self, images: CalibrationSet) -> dict[str, TensorRange]:
        method = self._options.calibration_method
        key = calibration_key(self._base, images.sha256(), method, repr(self._kinds),
                              str(onnxruntime.__version__))
        inputs = {node.input[0] for node in weighted_nodes(self._base.graph)}
        return cached_ranges(self._cache_path, key, lambda: measure_ranges(
            self._base, self._feeds, method, tensors=inputs, count=len(images),
            progress=lambda fraction: self._progress('calibrate', 0.7 * fraction)))

    def _results(self, model: onnx.ModelProto, feeds: Sequence[Feed]) -> list[Result]:
        decode = decoder_for(model, self._found)
        session = open_session(model)
        names = [output.name for output in model.graph.output]
        size_wh = next((kind.size_wh for kind in self._kinds if isinstance(kind, ImageInput)),
                       None)
        whole = Letterbox.fit(size_wh, size_wh) if size_wh else NO_PICTURE
        return [decode(dict(zip(names, run_session(session, names, feed))), whole, Thresholds())
                for feed in feeds]
