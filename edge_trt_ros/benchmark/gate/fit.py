# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Fit the heads of `benchmark.gate.networks` to the synthetic road, with least squares.

    python -m edge_trt_ros.benchmark.gate.fit

It takes the demo's trained features of some hundred frames, and writes `heads.npz`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
import onnxruntime

from edge_trt_ros.benchmark.gate.networks import FEATURES, HEADS_PATH, LIGHTS
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.demo.road.scene import Scene
from edge_trt_ros.vision.letterbox import Letterbox

_FIRST_SEED, _SCENES, _FRAMES = 800_000_000, 60, 2
_SIZE_WH, _NETWORK_WH = (960, 540), (448, 256)
_GROUPS = (0, 0, 1, 1, 2)  # of the classes: vehicles, persons, cones
_RIDGE = 10.0

Rows = list[NDArray[np.float32]]


def main() -> None:
    """Fit all heads and write them."""
    inputs: dict[str, Rows] = {name: [] for name in ('light', 'areas', 'depth', 'masks')}
    targets: dict[str, Rows] = {name: [] for name in inputs}
    session = _session()
    fit = Letterbox.fit(_SIZE_WH, _NETWORK_WH)
    for number in range(_SCENES):
        scene = Scene(_FIRST_SEED + number, _SIZE_WH)
        for frame_number in range(_FRAMES):
            shot = scene.frame(7.0 + 31.0 * frame_number)
            image = fit.apply(shot.image, 114)[None, ..., ::-1].transpose(0, 3, 1, 2) / 255
            fine, middle, coarse = session.run(
                list(FEATURES.values()), {'images': image.astype(np.float32)})
            boxes = fit.boxes_to_network(shot.boxes_xyxy)
            groups = np.array([_GROUPS[class_id] for class_id in shot.class_ids], int)
            _collect(inputs, targets, 'light', coarse.mean((2, 3)),
                     5 * np.eye(len(LIGHTS))[[LIGHTS.index(scene.light.name)]])
            small = _masks(boxes, groups, 8)
            people = small[1] | small[2]
            area = np.stack([~(small[0] | people), small[0], people])
            _collect(inputs, targets, 'areas', _cells(middle), 6.0 * _cells(area[None]))
            _collect(inputs, targets, 'depth', _cells(middle), _cells(_nearness(boxes)))
            masks = np.concatenate([8.0 * _masks(boxes, groups, 4) - 4, np.zeros((1, 64, 112))])
            _collect(inputs, targets, 'masks', _cells(fine), _cells(masks[None]))
    weights: dict[str, Any] = {}
    for name in inputs:
        weight, bias = _least_squares(np.concatenate(inputs[name]), np.concatenate(targets[name]))
        shape = weight.shape if name == 'light' else (*weight.shape, 1, 1)
        weights |= {f'{name}/weight': weight.reshape(shape), f'{name}/bias': bias}
    np.savez(HEADS_PATH, **weights)


def _session() -> onnxruntime.InferenceSession:
    model = onnx.load(str(MODEL_PATH))
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in FEATURES.values())
    return onnxruntime.InferenceSession(model.SerializeToString(),
                                        providers=['CPUExecutionProvider'])


def _collect(inputs: dict[str, Rows], targets: dict[str, Rows], name: str,
             rows: NDArray[np.floating], wanted: NDArray[np.floating]) -> None:
    inputs[name].append(np.asarray(rows, np.float32))
    targets[name].append(np.asarray(wanted, np.float32))


def _cells(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return [1, channels, height, width] as rows of channels."""
    return np.asarray(values[0].reshape(values.shape[1], -1).T, np.float32)


def _masks(boxes: NDArray[np.float32], groups: NDArray[np.int_], stride: int
           ) -> NDArray[np.bool_]:
    """Return for each group which cells its boxes cover, bool (3, height, width)."""
    masks = np.zeros((3, _NETWORK_WH[1] // stride, _NETWORK_WH[0] // stride), bool)
    for group, (left, top, right, bottom) in zip(groups, np.rint(boxes / stride).astype(int)):
        masks[group, max(top, 0):bottom, max(left, 0):right] = True
    return masks


def _nearness(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the height of the tallest object in each cell, in hundreds of pixels."""
    values = np.full((1, 1, 32, 56), 0.1, np.float32)
    for left, top, right, bottom in boxes[np.argsort(boxes[:, 3] - boxes[:, 1])]:
        rows = slice(max(round(top / 8), 0), round(bottom / 8))
        values[0, 0, rows, max(round(left / 8), 0):round(right / 8)] = (bottom - top) / 100
    return values


def _least_squares(rows: NDArray[np.float32], wanted: NDArray[np.float32]
                   ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weight (outputs, inputs) and bias (outputs,) of a ridge regression."""
    wide = np.concatenate([rows, np.ones((len(rows), 1))], 1).astype(np.float64)
    solution = np.linalg.solve(wide.T @ wide + _RIDGE * np.eye(wide.shape[1]),
                               wide.T @ wanted.astype(np.float64))
    return (solution[:-1].T.astype(np.float32), solution[-1].astype(np.float32))


if __name__ == '__main__':
    main()
