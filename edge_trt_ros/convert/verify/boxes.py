"""An engine that gives boxes against its ONNX: the same boxes, or it is not installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.convert.heads.head_detection import DetectionHead
from edge_trt_ros.convert.verify.source_decoder import decode_source
from edge_trt_ros.errors import BuildError, NetworkOutputError
from edge_trt_ros.runtime.contract import Frame, Runtime
from edge_trt_ros.runtime.host_preprocess import HostPreprocess
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.vision.boxes import box_iou
from edge_trt_ros.vision.decoders import Result
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.instances import Instances
from edge_trt_ros.vision.postprocess import Thresholds


@dataclass(frozen=True)
class Limits:
    """
    What an engine may differ by from float32.

    :param box_px: largest error of a box in pixels; infinite where a class or a box may change.
    :param score: largest error of a score, both sides sorted.
    :param lost: share of the sure boxes that may have no partner on the other side.
    """

    box_px: float
    score: float
    lost: float


# Two ways through the same float32 network; then what rounding may do. A GPU multiplies float32
# with the 10 bits of TF32, which TensorRT takes for float32 unless told otherwise.
LIMITS = {'fp32': Limits(0.05, 0.001, 0.0), 'tf32': Limits(math.inf, 0.01, 0.01),
          'fp16': Limits(math.inf, 0.03, 0.02), 'bf16': Limits(math.inf, 0.15, 0.05),
          'int8': Limits(math.inf, 0.3, 0.1)}
MIN_SCORE = 0.05
SURE_SCORE = 0.25
_MIN_IOU = 0.5
_SAME_PLACE_PX = 2.0


def verify_engine(runtime: Runtime, source: CheckedOnnx, head: DetectionHead,
                  frames: Sequence[Frame] = (), precision: str = 'fp32') -> dict[str, Any]:
    """
    Compare an open engine with ONNX Runtime on the unfused ONNX.

    :param runtime: the engine.
    :param source: the ONNX it was built from.
    :param head: that ONNX's head.
    :param frames: images to compare on; none takes seeded noise and a gray one.
    :param precision: what it computes in, a key of `LIMITS`.
    :returns: what ran it, frames, boxes, the largest error of a box in pixels and of a score,
        and the share of sure boxes that only one side has.
    :raises BuildError: if they disagree, or if either gives values that are not finite.
    """
    frames = frames or sample_frames(runtime.manifest.input_contract.size_wh)
    session = open_session(source.model)
    preprocess = HostPreprocess(runtime.manifest.input_contract)
    tensor = np.empty(source.image_input.shape, source.image_input.dtype)
    # Every candidate as it is: suppression would turn a rounding error into a missing box.
    kept = runtime.manifest.outputs[1].shape[1]
    names = [output.name for output in source.outputs]
    if precision == 'fp32' and runtime.manifest.backend != 'onnxruntime':
        precision = 'tf32'
    limits = LIMITS[precision]
    boxes, sure, lost, box_error_px, score_error, rest_error = 0, 0, 0, 0.0, 0.0, 0.0
    for frame in frames:
        letterbox = preprocess.fit(frame)
        preprocess.fill(frame, letterbox, tensor)
        raw = dict(zip(names, run_session(
            session, names, {source.image_input.name: tensor})))
        lowest, sure_score = MIN_SCORE, SURE_SCORE
        if kept < head.boxes:
            lowest = lowest_score(runtime, frame)
            sure_score = max(sure_score, lowest + limits.score)
        thresholds = Thresholds(lowest, nms_iou=1.0, max_detections=kept)
        try:
            whole = decode_source(head, raw, letterbox, thresholds)
            whole_actual, _ = infer(runtime, frame, thresholds)
        except NetworkOutputError as error:
            raise BuildError(f'the network is not fit for use: {error}') from error
        expected, actual = boxes_of(whole), boxes_of(whole_actual)
        if precision == 'fp32':
            rest_error = max(rest_error, _rest_difference(whole, whole_actual, limits))
        boxes += len(actual)
        off_px, off = _difference(expected, actual, thresholds.confidence)
        box_error_px, score_error = max(box_error_px, off_px), max(score_error, off)
        for one, other in ((expected, actual), (actual, expected)):
            certain = one[one.scores >= sure_score]
            sure, lost = sure + len(certain), lost + _without_partner(certain, other, limits)
    lost_share = lost / max(sure, 1)
    if rest_error > limits.score:
        raise BuildError(f'the engine differs from its ONNX by {rest_error:.4g} in masks, points '
                         f'or angles, allowed are {limits.score}: it is not installed')
    if box_error_px > limits.box_px or score_error > limits.score or lost_share > limits.lost:
        raise BuildError(
            f'the engine differs from its ONNX by {box_error_px:.3f} px, {score_error:.4f} in '
            f'score and {100 * lost_share:.1f} % of {sure} sure boxes, allowed for {precision} '
            f'are {limits.box_px} px, {limits.score} and {100 * limits.lost:.0f} %: it is not '
            'installed')
    return {'by': f'{runtime.manifest.backend} {runtime.manifest.backend_version}',
            'frames': len(frames), 'boxes': boxes, 'max_box_error_px': round(box_error_px, 5),
            'max_score_error': round(score_error, 7), 'lost_boxes': round(lost_share, 5)}


def boxes_of(result: Result) -> Detections:
    """
    Return the boxes among what a network gives.

    :raises BuildError: if it gives none by its nature.
    """
    found = result.detections if isinstance(result, Instances) else result
    if not isinstance(found, Detections):
        raise BuildError(f'the network gives {type(result).__name__}, expected boxes: state its '
                         'task')
    return found


def lowest_score(runtime: Runtime, frame: Frame) -> float:
    """
    Return the score below which a frame's boxes may be left out, for K better ones are there.

    Those that are just as good as the last of K may be, too.
    """
    return max(MIN_SCORE, float(runtime.collect(runtime.submit(frame))['scores'].min()))


def sample_frames(size_wh: tuple[int, int]) -> list[Frame]:
    """Return a gray image and two of seeded noise, twice the network's size."""
    width, height = 2 * size_wh[0], 2 * size_wh[1]
    random = np.random.default_rng(0)
    images = [np.full((height, width, 3), 114, np.uint8),
              random.integers(0, 256, (height, width, 3), np.uint8),
              np.kron(random.integers(0, 256, (-(-height // 16), -(-width // 16), 3), np.uint8),
                      np.ones((16, 16, 1), np.uint8))[:height, :width]]
    return [Frame(image, 'bgr8', (width, height), source='sample') for image in images]


def _difference(expected: Detections, actual: Detections, threshold: float
                ) -> tuple[float, float]:
    """Return the largest error of a box in pixels and of a score, pairing equals by overlap."""
    count = min(len(expected), len(actual))
    # What only one side has must lie on the threshold; both are sorted by score.
    surplus = np.concatenate([expected.scores[count:], actual.scores[count:]])
    score_error = float(np.abs(surplus - threshold).max(initial=0.0))
    if not count:
        return 0.0, score_error
    score_error = max(score_error, float(np.abs(
        expected.scores[:count] - actual.scores[:count]).max()))
    overlap = _overlap(actual[:count], expected)
    paired = overlap.max(axis=1) >= _MIN_IOU
    partners = expected.boxes_xyxy[overlap.argmax(axis=1)]
    if not paired.any():
        return 0.0, score_error
    return float(np.abs(actual.boxes_xyxy[:count] - partners)[paired].max()), score_error


def _without_partner(some: Detections, others: Detections, limits: Limits) -> int:
    if not len(some) or not len(others):
        return len(some)
    # Of any class: where two are all but even, rounding may turn one into the other.
    near = np.abs(some.scores[:, None] - others.scores[None, :]) <= limits.score
    same_place = box_iou(some.boxes_xyxy, others.boxes_xyxy) >= _MIN_IOU
    # What the image's border leaves of a box may be thinner than a pixel.
    off_px = np.abs(some.boxes_xyxy[:, None] - others.boxes_xyxy[None, :]).max(axis=2)
    return int((~(near & (same_place | (off_px <= _SAME_PLACE_PX)))).all(axis=1).sum())


def _rest_difference(expected: Result, actual: Result, limits: Limits) -> float:
    """Return how far masks, keypoints and angles are off: shares of pixels or of the largest."""
    errors = [0.0]
    if isinstance(expected, Instances) and isinstance(actual, Instances):
        errors.append(float(np.mean((expected.instance_map > 0) != (actual.instance_map > 0))))
    one, other = boxes_of(expected), boxes_of(actual)
    if not len(one) or not len(other):
        return max(errors)
    off = np.abs(one.boxes_xyxy[:, None] - other.boxes_xyxy[None]).max(2)
    off += np.abs(one.scores[:, None] - other.scores[None])
    partners = off.argmin(1)
    # What has no partner is counted among the boxes that are lost.
    paired = off.min(1) <= limits.box_px
    for name in ('keypoints', 'angles_rad'):
        values, others = getattr(one, name), getattr(other, name)
        if values is not None and paired.any():
            scale = max(1.0, float(np.abs(values).max()))
            errors.append(float(np.abs(values[paired] - others[partners][paired]).max()) / scale)
    return max(errors)


def _overlap(some: Detections, others: Detections) -> NDArray[np.float32]:
    """Return the IoU of all pairs, 0 for those of two classes."""
    same_class = some.class_ids[:, None] == others.class_ids[None, :]
    return np.asarray(box_iou(some.boxes_xyxy, others.boxes_xyxy) * same_class, np.float32)
