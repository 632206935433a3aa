# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""int8 leaves the first layers and the head of a detector alone, so that wide boxes stay."""

from __future__ import annotations

from pathlib import Path

import onnx
from support.models import dense_model

from edge_trt_ros.benchmark.gate.trial import faithful
from edge_trt_ros.convert.graph.edit import prepared, weighted_nodes
from edge_trt_ros.convert.precision.int8 import nodes_of_detector
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.sources.sample_images import SAMPLE_IMAGES


def nodes_of(model: onnx.ModelProto) -> tuple[list[str], list[str]]:
    """Return the names of all layers, and of those that int8 may have."""
    graph = prepared(model, 19).graph
    names = [node.name for node in weighted_nodes(graph)]
    return names, nodes_of_detector(graph, names)


def test_the_first_layers_and_the_head_are_left_out() -> None:
    names, kept = nodes_of(onnx.load(str(MODEL_PATH)))
    left = [name for name in names if name not in kept]
    assert all('/heads.' in name or '/stem/' in name for name in left), left
    assert not any('/heads.' in name or '/stem/' in name for name in kept)
    assert len(kept) > len(left) > 10


def test_a_small_network_keeps_its_layers() -> None:
    names, kept = nodes_of(dense_model())
    assert kept == names and len(names) == 3


def test_the_boxes_of_the_demo_stay(tmp_path: Path) -> None:
    verification = faithful('detect', 'int8', tmp_path, SAMPLE_IMAGES).verification
    assert verification['boxes'] > 50 and verification['lost_boxes'] == 0
    assert verification['median_box_error_px'] < 0.6
    assert verification['p99_box_error_px'] < 10
