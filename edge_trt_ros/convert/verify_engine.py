"""An engine against the ONNX it came from: the same boxes, or it is not installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

from edge_trt_ros.convert.check_onnx import CheckedOnnx
from edge_trt_ros.convert.head_detection import DetectionHead
from edge_trt_ros.errors import BuildError, NetworkOutputError
from edge_trt_ros.runtime.contract import Frame, Runtime
from edge_trt_ros.runtime.host_preprocess import HostPreprocess
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.vision.boxes import box_iou
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.postprocess import HEADS, Thresholds

# What two ways through the same float32 network may differ by.
MAX_BOX_ERROR_PX = 0.05
MAX_SCORE_ERROR = 0.001
MIN_SCORE = 0.05


def verify_engine(runtime: Runtime, source: CheckedOnnx, head: DetectionHead,
                  frames: Sequence[Frame] = ()) -> dict[str, Any]:
    """
    Compare an open engine with ONNX Runtime on the unfused ONNX.

    :param runtime: the engine.
    :param source: the ONNX it was built from.
    :param head: that ONNX's head.
    :param frames: images to compare on; none takes seeded noise and a gray one.
    :returns: frames, boxes, the largest error of a box in pixels and of a score.
    :raises BuildError: if they disagree, or if either gives values that are not finite.
    """
    frames = frames or sample_frames(runtime.manifest.input_contract.size_wh)
    session = onnxruntime.InferenceSession(
        source.model.SerializeToString(), providers=['CPUExecutionProvider'])
    preprocess = HostPreprocess(runtime.manifest.input_contract)
    tensor = np.empty(source.image_input.shape, source.image_input.dtype)
    # Every candidate as it is: suppression would turn a rounding error into a missing box.
    thresholds = Thresholds(confidence=MIN_SCORE, nms_iou=1.0,
                            max_detections=runtime.manifest.outputs[1].shape[1])
    names = [output.name for output in source.outputs]
    boxes, box_error_px, score_error = 0, 0.0, 0.0
    for frame in frames:
        letterbox = preprocess.fit(frame)
        preprocess.fill(frame, letterbox, tensor)
        raw = dict(zip(names, session.run(names, {source.image_input.name: tensor})))
        try:
            expected = HEADS[head.name](raw, letterbox, thresholds)
            actual, _ = detect(runtime, frame, thresholds)
        except NetworkOutputError as error:
            raise BuildError(f'the network is not fit for use: {error}') from error
        boxes += len(actual)
        off_px, off = _difference(expected, actual)
        box_error_px, score_error = max(box_error_px, off_px), max(score_error, off)
    if box_error_px > MAX_BOX_ERROR_PX or score_error > MAX_SCORE_ERROR:
        raise BuildError(
            f'the engine differs from its ONNX by {box_error_px:.3f} px and {score_error:.4f} in '
            f'score, allowed are {MAX_BOX_ERROR_PX} px and {MAX_SCORE_ERROR}: it is not installed')
    return {'frames': len(frames), 'boxes': boxes,
            'max_box_error_px': round(box_error_px, 5), 'max_score_error': round(score_error, 7)}


def sample_frames(size_wh: tuple[int, int]) -> list[Frame]:
    """Return a gray image and two of seeded noise, twice the network's size."""
    width, height = 2 * size_wh[0], 2 * size_wh[1]
    random = np.random.default_rng(0)
    images = [np.full((height, width, 3), 114, np.uint8),
              random.integers(0, 256, (height, width, 3), np.uint8),
              np.kron(random.integers(0, 256, (-(-height // 16), -(-width // 16), 3), np.uint8),
                      np.ones((16, 16, 1), np.uint8))[:height, :width]]
    return [Frame(image, 'bgr8', (width, height), source='sample') for image in images]


def _difference(expected: Detections, actual: Detections) -> tuple[float, float]:
    """Return the largest error of a box in pixels and of a score, pairing equals by overlap."""
    count = min(len(expected), len(actual))
    # What only one side has must lie on the threshold; both are sorted by score.
    surplus = np.concatenate([expected.scores[count:], actual.scores[count:]])
    score_error = float(np.abs(surplus - MIN_SCORE).max(initial=0.0))
    if not count:
        return 0.0, score_error
    score_error = max(score_error, float(np.abs(
        expected.scores[:count] - actual.scores[:count]).max()))
    overlap = box_iou(actual.boxes_xyxy[:count], expected.boxes_xyxy)
    overlap *= actual.class_ids[:count, None] == expected.class_ids[None, :]
    partners = expected.boxes_xyxy[overlap.argmax(axis=1)]
    return float(np.abs(actual.boxes_xyxy[:count] - partners).max()), score_error
