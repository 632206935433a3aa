"""Proof that an engine of another task than plain detection does what its ONNX does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime

from edge_trt_ros.convert.check_onnx import CheckedOnnx
from edge_trt_ros.convert.head_detection import DetectionHead
from edge_trt_ros.convert.source_decoder import decode_source
from edge_trt_ros.convert.task_heads import TaskHead
from edge_trt_ros.convert.verify_engine import LIMITS, lowest_score, MIN_SCORE
from edge_trt_ros.convert.verify_engine import sample_frames, verify_engine
from edge_trt_ros.errors import BuildError, NetworkOutputError
from edge_trt_ros.runtime.contract import Frame, Runtime
from edge_trt_ros.runtime.host_preprocess import HostPreprocess
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.vision.class_map import ClassMap
from edge_trt_ros.vision.classification import Classification
from edge_trt_ros.vision.decoders import Result
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.instances import Instances
from edge_trt_ros.vision.postprocess import Thresholds
from edge_trt_ros.vision.raw_tensors import RawTensors

# Pixels whose two best classes are as good as equal may fall to either.
MAX_PIXELS_OFF = 0.001
_BOXES = ('segment', 'pose', 'obb')
_MAX_SCORE_ERROR = LIMITS['fp32'].score


def verify_task(runtime: Runtime, source: CheckedOnnx, head: TaskHead,
                frames: Sequence[Frame] = ()) -> dict[str, Any]:
    """
    Compare an open engine with ONNX Runtime on the unfused ONNX.

    :param runtime: the engine.
    :param source: the ONNX it was built from.
    :param head: that ONNX's head.
    :param frames: images to compare on; none takes seeded noise and a gray one.
    :returns: what ran it, frames, what was compared as a phrase, and the largest error of it.
    :raises BuildError: if they disagree, or if either gives values that are not finite.
    """
    frames = frames or sample_frames(runtime.manifest.input_contract.size_wh)
    session = onnxruntime.InferenceSession(
        source.model.SerializeToString(), providers=['CPUExecutionProvider'])
    preprocess = HostPreprocess(runtime.manifest.input_contract)
    tensor = np.empty(source.image_input.shape, source.image_input.dtype)
    # Every candidate as it is: suppression would turn a rounding error into a missing box.
    kept = max(output.shape[1] if len(output.shape) > 1 else 1
               for output in runtime.manifest.outputs)
    names = [output.name for output in source.outputs]
    errors = []
    for frame in frames:
        letterbox = preprocess.fit(frame)
        preprocess.fill(frame, letterbox, tensor)
        raw = dict(zip(names, session.run(names, {source.image_input.name: tensor})))
        lowest = lowest_score(runtime, frame) if head.task in _BOXES and kept < head.boxes \
            else MIN_SCORE
        thresholds = Thresholds(lowest, nms_iou=1.0, max_detections=kept, top_k=kept)
        try:
            expected = decode_source(head, raw, letterbox, thresholds)
            actual, _ = infer(runtime, frame, thresholds)
        except NetworkOutputError as error:
            raise BuildError(f'the network is not fit for use: {error}') from error
        errors.append(_difference(expected, actual, thresholds.confidence))
    what, limit = {
        'classify': ('score', _MAX_SCORE_ERROR), 'semantic': ('share of pixels', MAX_PIXELS_OFF),
    }.get(head.task, ('value', _MAX_SCORE_ERROR))
    if max(errors) > limit:
        raise BuildError(f'the engine differs from its ONNX by {max(errors):.4g} ({what}), '
                         f'allowed are {limit}: it is not installed')
    return {'by': f'{runtime.manifest.backend} {runtime.manifest.backend_version}',
            'frames': len(frames), 'agreement': f'{what} within {max(errors):.2g}',
            'max_error': max(errors)}


def verify(runtime: Runtime, source: CheckedOnnx, head: DetectionHead,
           frames: Sequence[Frame] = (), precision: str = 'fp32') -> dict[str, Any]:
    """Compare an open engine with its ONNX, by the measure of its task (see `verify_engine`)."""
    if isinstance(head, TaskHead):
        return verify_task(runtime, source, head, frames)
    return verify_engine(runtime, source, head, frames, precision)


def _difference(expected: Result, actual: Result, threshold: float) -> float:
    if isinstance(expected, Instances) and isinstance(actual, Instances):
        return max(_off(expected.detections, actual.detections, threshold),
                   float(np.mean((expected.instance_map > 0) != (actual.instance_map > 0))))
    if isinstance(expected, Detections) and isinstance(actual, Detections):
        return _off(expected, actual, threshold)
    if isinstance(expected, ClassMap) and isinstance(actual, ClassMap):
        return float(np.mean(expected.classes != actual.classes))
    if isinstance(expected, Classification) and isinstance(actual, Classification):
        # Where two scores are equal their order is open, but the scores are not.
        return _relative(expected.scores[:len(actual.scores)], actual.scores)
    if isinstance(expected, RawTensors) and isinstance(actual, RawTensors):
        return max(map(_relative, expected.by_name.values(), actual.by_name.values()))
    raise BuildError(f'the engine gives {type(actual).__name__}, its ONNX '
                     f'{type(expected).__name__}: rebuild it')


def _off(expected: Detections, actual: Detections, threshold: float) -> float:
    """Return how far boxes are off their nearest partners, pixels as shares of the largest."""
    errors = [0.0]
    for some, others in ((expected, actual), (actual, expected)):
        # What lies on the threshold may be on one side only.
        sure = some[some.scores > threshold + _MAX_SCORE_ERROR]
        if len(sure) and not len(others):
            return 1.0
        if len(sure):
            scale = max(1.0, float(np.abs(others.boxes_xyxy).max()))
            off = np.abs(sure.boxes_xyxy[:, None] - others.boxes_xyxy[None]).max(2) / scale
            off += np.abs(sure.scores[:, None] - others.scores[None])
            partners = off.argmin(1)
            errors.append(float(off.min(1).max()))
            errors += [_relative(getattr(sure, name), getattr(others, name)[partners])
                       for name in ('keypoints', 'angles_rad')
                       if getattr(sure, name) is not None]
    return max(errors)


def _relative(expected: NDArray[Any], actual: NDArray[Any]) -> float:
    """Return the largest difference, against the largest value where that is above 1."""
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    return float(np.abs(expected - actual).max(initial=0)) / scale
