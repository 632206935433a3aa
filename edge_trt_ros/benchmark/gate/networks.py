# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Trained networks for every task, to try the verification on.

They are the demo's detector and its trained features, with a head for each task that was fitted
to the synthetic road (`benchmark.gate.fit`). Keypoints and angles follow from the boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper, TensorProto

from edge_trt_ros.demo.detector.model import MODEL_PATH

HEADS_PATH = Path(__file__).with_name('heads.npz')
LIGHTS = ('noon', 'overcast', 'golden', 'dusk', 'night', 'haze')
# Features of the detector, by the stride of their cells.
FEATURES = MappingProxyType({
    4: '/net/stem/stem.1/stem.1.2/Mul_output_0',
    8: '/net/stage3/stage3.1/merge/merge.2/Mul_output_0',
    16: '/net/stage4/stage4.1/merge/merge.2/Mul_output_0'})
_ROWS, _ANCHORS, _SIZE_HW = 9, 2352, (256, 448)
# Places of the keypoints as fractions of the box: left and right, above and below the centre.
_KEYPOINTS = ((-0.3, -0.4), (0.3, -0.4), (-0.3, 0.4), (0.3, 0.4))

Weights = Mapping[str, NDArray[np.float32]]


def network(task: str) -> onnx.ModelProto:
    """
    Return the trained network of a task.

    :param task: a key of `NETWORKS`.
    """
    model = onnx.load(str(MODEL_PATH))
    with np.load(HEADS_PATH) as weights:
        NETWORKS[task](model, dict(weights))
    onnx.checker.check_model(model, full_check=True)
    return model


def _detect(model: onnx.ModelProto, weights: Weights) -> None:
    """Do not change the detector."""


def _classify(model: onnx.ModelProto, weights: Weights) -> None:
    _append(model, [
        helper.make_node('GlobalAveragePool', [FEATURES[16]], ['means']),
        helper.make_node('Flatten', ['means'], ['flat']),
        helper.make_node('Gemm', ['flat', 'light/weight', 'light/bias'], ['logits'], transB=1)],
        weights, {'logits': (1, len(LIGHTS))}, 'classify', LIGHTS)


def _semantic(model: onnx.ModelProto, weights: Weights) -> None:
    height, width = (side // 8 for side in _SIZE_HW)
    _append(model, [helper.make_node(
        'Conv', [FEATURES[8], 'areas/weight', 'areas/bias'], ['areas'])], weights,
        {'areas': (1, 3, height, width)}, 'semantic', ('road', 'vehicle', 'person'))


def _depth(model: onnx.ModelProto, weights: Weights) -> None:
    height, width = (side // 8 for side in _SIZE_HW)
    _append(model, [helper.make_node(
        'Conv', [FEATURES[8], 'depth/weight', 'depth/bias'], ['nearness'])], weights,
        {'nearness': (1, 1, height, width)}, 'tensors', ())


def _segment(model: onnx.ModelProto, weights: Weights) -> None:
    height, width = (side // 4 for side in _SIZE_HW)
    choice = np.zeros((4, _ROWS), np.float32)
    for class_id, group in enumerate((0, 0, 1, 1, 2)):
        choice[group, 4 + class_id] = 1
    _append_rows(model, choice, {'task': 'segment'})
    _append(model, [helper.make_node(
        'Conv', [FEATURES[4], 'masks/weight', 'masks/bias'], ['prototypes'])], weights,
        {'rows': (1, _ROWS + 4, _ANCHORS), 'prototypes': (1, 4, height, width)}, 'segment', None)


def _pose(model: onnx.ModelProto, weights: Weights) -> None:
    places = np.zeros((3 * len(_KEYPOINTS), _ROWS), np.float32)
    for index, (across, down) in enumerate(_KEYPOINTS):
        places[3 * index, [0, 2]] = 1, across
        places[3 * index + 1, [1, 3]] = 1, down
        places[3 * index + 2, 4:] = 1
    _append_rows(model, places, {'task': 'pose', 'kpt_shape': f'[{len(_KEYPOINTS)}, 3]'})


def _obb(model: onnx.ModelProto, weights: Weights) -> None:
    angle = np.array([[0, 0, 0, 0, 0.6, 0.4, 1.0, 0.8, 0.2]], np.float32)
    _append_rows(model, angle, {'task': 'obb'})


NETWORKS: Mapping[str, Callable[[onnx.ModelProto, Weights], None]] = MappingProxyType({
    'detect': _detect, 'classify': _classify, 'semantic': _semantic, 'segment': _segment,
    'pose': _pose, 'obb': _obb, 'depth': _depth})


def _append_rows(model: onnx.ModelProto, rows: NDArray[np.float32],
                 metadata: Mapping[str, str]) -> None:
    """Append rows to the detector's output that are sums of its rows."""
    _append(model, [
        helper.make_node('MatMul', ['more', 'output0'], ['appended']),
        helper.make_node('Concat', ['output0', 'appended'], ['rows'], axis=1)],
        {'more': rows}, {'rows': (1, _ROWS + len(rows), _ANCHORS)}, metadata['task'], None)
    for key, value in metadata.items():
        if key != 'task':
            model.metadata_props.add(key=key, value=value)


def _append(model: onnx.ModelProto, nodes: list[onnx.NodeProto], weights: Weights,
            outputs: Mapping[str, tuple[int, ...]], task: str, labels: tuple[str, ...] | None
            ) -> None:
    graph = model.graph
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    graph.initializer.extend(numpy_helper.from_array(np.ascontiguousarray(values), name)
                             for name, values in weights.items() if name in used)
    del graph.output[:]
    graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                        for name, shape in outputs.items())
    metadata = {entry.key: entry.value for entry in model.metadata_props} | {'task': task}
    if labels is not None:
        metadata['names'] = str(dict(enumerate(labels)))
    helper.set_model_props(model, metadata)
