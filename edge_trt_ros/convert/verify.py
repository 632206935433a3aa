# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare an open engine with the ONNX model that it was built from, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edge_trt_ros.convert.compare.limits import limits_of
from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.convert.input_kinds import text_input
from edge_trt_ros.convert.tasks import TASKS
from edge_trt_ros.errors import BuildError, NetworkOutputError
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Frame, Sample
from edge_trt_ros.runtime.text_preprocess import TextTokens


def verify(runtime: Runtime, source: CheckedOnnx, found: RecognisedHead,
           samples: Sequence[Sample] = (), precision: str = 'fp32',
           progress: Callable[[float], None] = lambda fraction: None) -> dict[str, Any]:
    """
    Compare the results of an open engine with those of its ONNX model.

    :param runtime: the engine.
    :param source: the ONNX model it was built from.
    :param found: the model's head.
    :param samples: images to compare on; () uses seeded noise and a gray image, or words of the
        vocabulary for a network that reads texts.
    :param precision: precision of the engine, a key of `compare.limits.LIMITS`.
    :param progress: called with the fraction of the samples that are compared.
    :returns: the library that ran it, the number of samples, and the differences that the
        task's comparison measured.
    :raises BuildError: if the differences exceed the limits, or if values are not finite.
    """
    manifest = runtime.manifest
    samples = samples or sample_inputs(manifest)
    session = open_session(source.model)
    # Engines of version 0.1.0 join the tensors of a text, which their ONNX does not.
    kinds = (text_input(source),) if source.reads_text else manifest.input_kinds
    preprocess = host_preprocess(kinds)
    tensors = {tensor.name: np.empty(tensor.shape, tensor.dtype) for tensor in source.inputs}
    names = [output.name for output in source.outputs]
    comparison = TASKS[found.task].compare(
        found, kept_rows(manifest), limits_of(manifest, precision))
    for index, sample in enumerate(samples):
        progress(index / len(samples))
        letterbox = preprocess.fit(sample)
        preprocess.fill(sample, letterbox, tensors)
        raw = dict(zip(names, run_session(session, names, tensors)))
        thresholds = comparison.thresholds(runtime, sample)
        try:
            expected = found.decode(raw, letterbox, thresholds)
            actual, _ = infer(runtime, sample, thresholds)
        except NetworkOutputError as error:
            raise BuildError(f'the network is not fit for use: {error}') from error
        comparison.add(expected, actual)
    return {'by': f'{manifest.backend} {manifest.backend_version}', 'frames': len(samples),
            **comparison.verdict()}


def kept_rows(manifest: EngineManifest) -> int:
    """Return the maximum number of rows (boxes, classes) that leave the device."""
    if manifest.decoding:
        return int(manifest.options.get('max_candidates', 1))
    return next((tensor.shape[1] for tensor in manifest.outputs if tensor.name == 'scores'), 1)


def sample_inputs(manifest: EngineManifest) -> list[Sample]:
    """
    Return samples that need no data: noise and a gray image, or words of a vocabulary.

    :param manifest: manifest of the engine.
    """
    if manifest.text_input is not None:
        return list(TextTokens(manifest.text_input).samples())
    return list(sample_frames(manifest.image_input.size_wh))


def sample_frames(size_wh: tuple[int, int]) -> list[Frame]:
    """Return a gray image and two of seeded noise, twice the network's size."""
    width, height = 2 * size_wh[0], 2 * size_wh[1]
    random = np.random.default_rng(0)
    images = [np.full((height, width, 3), 114, np.uint8),
              random.integers(0, 256, (height, width, 3), np.uint8),
              np.kron(random.integers(0, 256, (-(-height // 16), -(-width // 16), 3), np.uint8),
                      np.ones((16, 16, 1), np.uint8))[:height, :width]]
    return [Frame(image, 'bgr8', (width, height), source='sample') for image in images]
