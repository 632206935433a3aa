# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Compare an engine with the ONNX model that it was built from, run by ONNX Runtime.

Compared are the raw tensors of the network, each of its layers, and the results that a node
would publish. The layers of an engine for a GPU cannot be read; they are compared on the graph
that the engine is built from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx

from edge_trt_ros.convert.compare.contracts import better_contract, MAX_OBJECTS
from edge_trt_ros.convert.compare.layers import LayerComparison
from edge_trt_ros.convert.compare.limits import limits_of
from edge_trt_ros.convert.compare.probes import probed, Probes, raw_outputs, raw_tensors
from edge_trt_ros.convert.compare.reference import Reference
from edge_trt_ros.convert.compare.samples import GIVEN, NamedSample, ROAD, samples_for
from edge_trt_ros.convert.compare.tensors import tensor_verdict, TensorComparison
from edge_trt_ros.convert.compare.verdict import Verdict
from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.input_kinds import assumption, text_input
from edge_trt_ros.convert.tasks import TASKS
from edge_trt_ros.errors import BuildError, NetworkOutputError
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.host_states import HostStates
from edge_trt_ros.runtime.pipeline import check_classes, infer
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import ONNXRUNTIME, open_engine, Placement
from edge_trt_ros.sources.sample_images import GRAY
from edge_trt_ros.verification import ENGINE_RAN, NOTHING_SEEN, VERIFIED
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks import TASKS as VISION_TASKS
from edge_trt_ros.vision.thresholds import Thresholds

# Layers are compared on this many samples of the user, and of this package; they cost as much as
# the network.
_LAYER_SAMPLES = 2
_CONTRACT_IMAGES = 2
_SHOWN_PROBLEMS = 3
_MOST_CANDIDATES = 3000
_GRAY_OBJECTS = 5


def verify(engine: bytes, manifest: EngineManifest, source: CheckedOnnx, found: RecognisedHead,
           given: Sequence[NamedSample] = (), precision: str = 'fp32',
           progress: Callable[[float], None] = lambda fraction: None,
           placement: Placement = Placement()) -> dict[str, Any]:
    """
    Compare an engine with its ONNX model.

    :param engine: bytes of the engine.
    :param manifest: its manifest.
    :param source: the ONNX model it was built from.
    :param found: the model's head.
    :param given: images of the user, in addition to those of this package.
    :param precision: precision of the engine, a key of `compare.limits.LIMITS`.
    :param progress: called with the fraction of the samples that are compared.
    :param placement: the GPU or DLA core that runs it.
    :returns: the status, the library that ran it, the samples, and the measured differences.
    :raises BuildError: if the differences exceed the limits, or if values are not finite.
    """
    return _Verification(engine, manifest, source, found, precision, placement).run(
        samples_for(manifest, list(given)), progress)


class _Verification:
    """Holds what all samples share: sessions, comparisons and what was seen."""

    def __init__(self, engine: bytes, manifest: EngineManifest, source: CheckedOnnx,
                 found: RecognisedHead, precision: str, placement: Placement) -> None:
        self._engine, self._manifest, self._source = engine, manifest, source
        self._placement = placement
        self._found, self._limits = found, limits_of(manifest, precision)
        # Engines of version 0.1.0 join the tensors of a text, which their ONNX does not.
        kinds = (text_input(source),) if source.reads_text else manifest.input_kinds
        self._preprocess = host_preprocess(kinds)
        self._inputs: dict[str, NDArray[Any]] = {
            tensor.name: np.empty(tensor.shape, tensor.dtype) for tensor in source.inputs}
        self._states = HostStates(manifest.states)
        self._inputs |= self._states.tensors
        raw = raw_tensors(source)
        self._reference = Reference(probed(source.model, raw).model)
        graph = onnx.load_from_string(engine) if manifest.backend == ONNXRUNTIME else None
        self._probes = probed(graph, raw) if graph else None
        same_inputs = [spec.name for spec in manifest.inputs] == list(self._inputs)
        self._layers = LayerComparison(
            graph, source.model, self._limits.rounding) if graph and same_inputs else None
        self._raw = self._probes.names if self._probes else raw_outputs(manifest, raw)
        self._tensors = {name: TensorComparison(name) for name in self._raw}
        kept = kept_rows(manifest)
        self._every = Thresholds(Thresholds().confidence, nms_iou=1.0, max_detections=kept)
        self._results = TASKS[found.task].compare(found, kept, self._limits)
        self._objects: list[int] = []
        self._compared: Counter[str] = Counter()
        self._on_gray = 0

    def run(self, samples: Sequence[NamedSample], progress: Callable[[float], None]
            ) -> dict[str, Any]:
        """Compare all samples and return the outcome."""
        try:
            with self._opened() as runtime:
                for index, sample in enumerate(samples):
                    progress(index / len(samples))
                    self._compare(runtime, sample)
        except NetworkOutputError as error:
            raise BuildError(f'the network is not fit for use: {error}', code=(
                'engine_differs' if error.code == NetworkOutputError.code else error.code)
                             ) from error
        results = self._results.verdict()
        tensors = tensor_verdict(self._tensors.values(), self._limits,
                                 Thresholds().confidence if self._has_boxes else 0.0)
        layers = self._layers.verdict(self._limits) if self._layers else Verdict()
        if self._source.contract and not results.seen:
            raise BuildError(f'nothing was compared: no output changes over {len(samples)} '
                             'samples of random inputs; state their range in the tensor contract',
                             code='nothing_compared')
        problems = [*results.problems, *tensors.problems, *layers.problems]
        if problems:
            more = len(problems) - _SHOWN_PROBLEMS
            raise BuildError(
                f'the engine does not do what its ONNX does ({self._limits.precision}, '
                f'{len(samples)} samples): {"; ".join(problems[:_SHOWN_PROBLEMS])}'
                + (f'; and {more} more' if more > 0 else ''), code='engine_differs')
        manifest = self._manifest
        assumed = assumption(self._source, self._found,
                             str(manifest.options.get('input_contract', '')))
        contract = self._other_contract(samples) if not results.seen or self._floods else ''
        return {
            'status': VERIFIED if results.seen else NOTHING_SEEN, ENGINE_RAN: True,
            'by': f'{manifest.backend} {manifest.backend_version}', 'frames': len(samples),
            'samples': dict(Counter(sample.origin for sample in samples)),
            'agreement': results.agreement, **results.measured,
            **({'tensors': tensors.measured} if self._tensors else {}),
            **({'layers': layers.measured} if self._layers else {}),
            **({'other_contract': contract} if contract else {}),
            **({'assumed': assumed} if assumed else {})}

    @property
    def _floods(self) -> bool:
        """Whether it sees objects on a gray image, or more on each image than there can be."""
        return self._on_gray >= _GRAY_OBJECTS or min(self._objects, default=0) > MAX_OBJECTS

    @property
    def _has_boxes(self) -> bool:
        return VISION_TASKS[self._found.task].has_boxes

    def _opened(self) -> Runtime:
        if self._probes is None:
            return open_engine(self._engine, self._manifest, placement=replace(
                self._placement, all_outputs=True)).runtime
        return open_engine(*_with_probes(self._probes, self._manifest),
                           placement=Placement(all_outputs=True)).runtime

    def _compare(self, runtime: Runtime, named: NamedSample) -> None:
        letterbox = self._preprocess.fit(named.sample)
        self._preprocess.fill(named.sample, letterbox, self._inputs)
        ticket = runtime.submit(named.sample, self._every)
        raw = self._reference.run(self._inputs)
        outputs = dict(runtime.collect(ticket))
        lowest = self._lowest(runtime, outputs, letterbox)
        # int8 clips what no calibration image shows, and noise is that: it must be finite there.
        counts = named.shows_content or self._limits.precision != 'int8'
        for name, comparison in self._tensors.items() if counts else ():
            values = outputs[self._raw[name]]
            if values.shape == raw[name].shape:
                comparison.add(raw[name], values, named.name)
        thresholds = self._results.thresholds(lowest, letterbox)

        def decoded(limits: Thresholds) -> tuple[Any, Any]:
            # A GPU decodes with the thresholds that the sample is submitted with.
            is_read = bool(self._probes or self._source.contract)
            actual = runtime.decode(self._own(outputs), letterbox, limits) if is_read \
                else infer(runtime, named.sample, limits)[0]
            return self._found.decode(raw, letterbox, limits), actual
        expected, actual = decoded(thresholds)
        detections = VISION_TASKS[self._found.task].detections(expected)
        check_classes(VISION_TASKS[self._found.task].detections(actual), self._manifest.labels)
        wide = replace(thresholds, nms_iou=1.0, max_detections=_MOST_CANDIDATES,
                       confidence=max(0.01, thresholds.confidence - self._limits.score))
        self._results.add(expected, actual if counts else expected, named.shows_content,
                          lambda: decoded(wide))
        count = len(detections) if detections is not None else 0
        if not named.shows_content:
            self._on_gray += count if named.sample.source == GRAY else 0
        else:
            self._objects.append(count)
            # Images that int8 was calibrated on cannot show that they were the wrong ones.
            kind = ROAD if named.origin == ROAD else GIVEN
            self._compared[kind] += 1
            if self._layers and self._compared[kind] <= _LAYER_SAMPLES:
                self._layers.add(self._inputs)
        self._states.advance(raw)

    def _own(self, outputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs that the engine has without probes."""
        return {spec.name: outputs[spec.name] for spec in self._manifest.outputs}

    def _lowest(self, runtime: Runtime, outputs: Mapping[str, NDArray[Any]],
                letterbox: Letterbox) -> float:
        """Return the lowest score that left the device, if it keeps only the best candidates."""
        if not self._has_boxes or self._every.max_detections >= self._found.rows:
            return 0.0
        own = self._own(outputs) if self._probes else outputs
        if 'scores' in own:  # the head in the graph keeps the best, also those in the padding
            return float(own['scores'].min())
        found = VISION_TASKS[self._found.task].detections(
            runtime.decode(own, letterbox, self._every))
        is_full = found is not None and len(found) >= self._every.max_detections
        return float(found.scores.min()) if found is not None and is_full else 0.0

    def _other_contract(self, samples: Sequence[NamedSample]) -> str:
        """Return which preprocessing a silent or flooding detector may have been trained with."""
        image = next((kind for kind in self._manifest.input_kinds
                      if isinstance(kind, ImageInput)), None)
        if image is None or not self._has_boxes:
            return ''
        frames = [sample.sample for sample in samples
                  if sample.shows_content and isinstance(sample.sample, Frame)]
        return better_contract(self._reference.session, self._source, self._found, image,
                               frames[:_CONTRACT_IMAGES])


def _with_probes(probes: Probes, manifest: EngineManifest) -> tuple[bytes, EngineManifest]:
    """Return an engine that also returns the probed tensors, and a manifest that says so."""
    engine = probes.model.SerializeToString()
    outputs = (*manifest.outputs, *probes.specs)
    return engine, replace(manifest, outputs=outputs, engine_sha256=sha256_hex(engine),
                           engine_size_bytes=len(engine))


def kept_rows(manifest: EngineManifest) -> int:
    """Return the maximum number of rows (boxes, classes) that leave the device."""
    if manifest.decoding:
        return int(manifest.options.get('max_candidates', 1))
    return next((tensor.shape[1] for tensor in manifest.outputs if tensor.name == 'scores'), 1)
