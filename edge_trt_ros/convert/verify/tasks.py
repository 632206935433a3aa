"""Proof that an engine of any task does what its ONNX does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.convert.heads.head_detection import DetectionHead
from edge_trt_ros.convert.heads.task_heads import TaskHead
from edge_trt_ros.convert.verify.boxes import LIMITS, sample_frames, verify_engine
from edge_trt_ros.convert.verify.source_decoder import decode_source
from edge_trt_ros.errors import BuildError, NetworkOutputError
from edge_trt_ros.runtime.contract import Frame, Runtime
from edge_trt_ros.runtime.host_preprocess import HostPreprocess
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.text_tokens import TextTokens
from edge_trt_ros.vision.class_map import ClassMap
from edge_trt_ros.vision.classification import Classification
from edge_trt_ros.vision.decoders import Result
from edge_trt_ros.vision.postprocess import Thresholds
from edge_trt_ros.vision.raw_tensors import RawTensors

# Pixels whose two best classes are as good as equal may fall to either.
MAX_PIXELS_OFF = 0.001
BOX_TASKS = ('detect', 'segment', 'pose', 'obb')


def verify_task(runtime: Runtime, source: CheckedOnnx, head: TaskHead,
                frames: Sequence[Frame] = (), precision: str = 'fp32') -> dict[str, Any]:
    """
    Compare an open engine with ONNX Runtime on the unfused ONNX.

    :param runtime: the engine.
    :param source: the ONNX it was built from.
    :param head: that ONNX's head.
    :param frames: images to compare on; none takes seeded noise and a gray one;
        a network that reads texts takes words of its vocabulary.
    :param precision: what it computes in, a key of `LIMITS`.
    :returns: what ran it, frames, what was compared as a phrase, and the largest error of it.
    :raises BuildError: if they disagree, or if either gives values that are not finite.
    """
    manifest = runtime.manifest
    if manifest.tokenizer:
        frames = TextTokens(manifest.tokenizer, manifest.input_contract).samples()
    frames = frames or sample_frames(manifest.input_contract.size_wh)
    session = open_session(source.model)
    preprocess = HostPreprocess(runtime.manifest.input_contract)
    tensor = np.empty(source.image_input.shape, source.image_input.dtype)
    kept = max(output.shape[1] if len(output.shape) > 1 else 1
               for output in runtime.manifest.outputs)
    thresholds = Thresholds(top_k=kept)
    names = [output.name for output in source.outputs]
    errors = []
    for frame in frames:
        letterbox = preprocess.fit(frame)
        preprocess.fill(frame, letterbox, tensor)
        raw = dict(zip(names, run_session(
            session, names, {source.image_input.name: tensor})))
        try:
            expected = decode_source(head, raw, letterbox, thresholds)
            actual, _ = infer(runtime, frame, thresholds)
        except NetworkOutputError as error:
            raise BuildError(f'the network is not fit for use: {error}') from error
        errors.append(_difference(expected, actual))
    if precision == 'fp32' and runtime.manifest.backend != 'onnxruntime':
        precision = 'tf32'
    limits = LIMITS[precision]
    what, limit = {
        'classify': ('score', limits.score), 'text': ('score', limits.score),
        'semantic': ('share of pixels', max(limits.lost, MAX_PIXELS_OFF)),
    }.get(head.task, ('value', limits.score))
    if max(errors) > limit:
        raise BuildError(f'the engine differs from its ONNX by {max(errors):.4g} ({what}), '
                         f'allowed are {limit}: it is not installed')
    return {'by': f'{runtime.manifest.backend} {runtime.manifest.backend_version}',
            'frames': len(frames), 'agreement': f'{what} within {max(errors):.2g}',
            'max_error': max(errors)}


def verify(runtime: Runtime, source: CheckedOnnx, head: DetectionHead,
           frames: Sequence[Frame] = (), precision: str = 'fp32') -> dict[str, Any]:
    """Compare an open engine with its ONNX, by the measure of its task (see `verify_engine`)."""
    if head.task not in BOX_TASKS and isinstance(head, TaskHead):
        return verify_task(runtime, source, head, frames, precision)
    return verify_engine(runtime, source, head, frames, precision)


def _difference(expected: Result, actual: Result) -> float:
    if isinstance(expected, ClassMap) and isinstance(actual, ClassMap):
        return float(np.mean(expected.classes != actual.classes))
    if isinstance(expected, Classification) and isinstance(actual, Classification):
        # Where two scores are equal their order is open, but the scores are not.
        return _relative(expected.scores[:len(actual.scores)], actual.scores)
    if isinstance(expected, RawTensors) and isinstance(actual, RawTensors):
        return max(map(_relative, expected.by_name.values(), actual.by_name.values()))
    raise BuildError(f'the engine gives {type(actual).__name__}, its ONNX '
                     f'{type(expected).__name__}: rebuild it')


def _relative(expected: NDArray[Any], actual: NDArray[Any]) -> float:
    """Return the largest difference, against the largest value where that is above 1."""
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    return float(np.abs(expected - actual).max(initial=0)) / scale
