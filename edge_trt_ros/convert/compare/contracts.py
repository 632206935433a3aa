# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Look for the preprocessing that a network was trained with, if it sees nothing or floods images.

Engine and ONNX agree perfectly on pixels in the wrong scale, so a comparison cannot see this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.session import run_session
from edge_trt_ros.errors import EdgeTrtError
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.vision.tasks import TASKS
from edge_trt_ros.vision.thresholds import Thresholds

# More objects than this in one image are a flood.
MAX_OBJECTS = 60
_CLEAR_SCORE = 0.5
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def better_contract(session: onnxruntime.InferenceSession, source: CheckedOnnx,
                    found: RecognisedHead, now: ImageInput, frames: Sequence[Frame]) -> str:
    """
    Return a clause that names a preprocessing with which a detector sees something plausible.

    :param session: a session of the ONNX model.
    :param source: the ONNX model.
    :param found: its head.
    :param now: the preprocessing that is in use.
    :param frames: images with content.
    :returns: '' if no other preprocessing shows more than the one in use.
    """
    best, clearest = '', _clear_objects(session, source, found, now, frames)
    for contract in _others(now):
        objects = _clear_objects(session, source, found, contract, frames)
        if objects > clearest:
            best, clearest = _described(contract), objects
    return best and (f'with the input contract {best} it detects {clearest} clear objects on '
                     f'{len(frames)} of them: set input_contract if it was trained like this')


def _others(now: ImageInput) -> Iterator[ImageInput]:
    for scale in (1 / 255, 1.0):
        for colors in (now.color_order, 'bgr' if now.color_order == 'rgb' else 'rgb'):
            for mean, std in (_PLAIN, _IMAGENET):
                # Mean and std are stated in the unit of the scaled values.
                unit = 255 * scale if std == _IMAGENET[1] else 1.0
                contract = replace(now, scale=scale, color_order=colors,
                                   mean=(mean[0] * unit, mean[1] * unit, mean[2] * unit),
                                   std=(std[0] * unit, std[1] * unit, std[2] * unit))
                if contract != now:
                    yield contract


def _clear_objects(session: onnxruntime.InferenceSession, source: CheckedOnnx,
                   found: RecognisedHead, contract: ImageInput, frames: Sequence[Frame]) -> int:
    """Return how many clear objects a network sees; 0 if it floods an image."""
    names = [output.name for output in source.outputs]
    tensors: dict[str, Any] = {
        tensor.name: np.empty(tensor.shape, tensor.dtype) for tensor in source.inputs}
    preprocess = host_preprocess((contract,))
    clear = 0
    for frame in frames:
        letterbox = preprocess.fit(frame)
        preprocess.fill(frame, letterbox, tensors)
        try:
            result = found.decode(dict(zip(names, run_session(session, names, tensors))),
                                  letterbox, Thresholds())
        except EdgeTrtError:
            return 0  # with these pixels its values are not finite
        detections = TASKS[found.task].detections(result)
        if detections is None or len(detections) > MAX_OBJECTS:
            return 0
        clear += int((detections.scores >= _CLEAR_SCORE).sum())
    return clear


def _described(contract: ImageInput) -> str:
    scale = '1/255' if contract.scale == 1 / 255 else f'{contract.scale:g}'
    plain = (contract.mean, contract.std) == _PLAIN
    values = '' if plain else (
        f', "mean": {[round(value, 3) for value in contract.mean]}'
        f', "std": {[round(value, 3) for value in contract.std]}')
    shown = f'{contract.scale:.8g}' if scale == '1/255' else scale
    return f'{{"color_order": "{contract.color_order}", "scale": {shown}{values}}}'
