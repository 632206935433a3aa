# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What the inference node publishes besides detections: labels, overlay, track IDs, status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from support.graph import Graph
from vision_msgs.msg import LabelInfo

from edge_trt_ros.ros.inference.node import InferenceNode


def test_track_ids_persist_until_reset(
        ros: Graph, active_node: Callable[..., InferenceNode], picture: np.ndarray) -> None:
    pytest.importorskip('edgefirst.tracker', reason='tracking needs edgefirst-tracker')
    active_node(track=True)
    first, second = ros.answer(picture), ros.answer(picture)
    ids = [detection.id for detection in first.detections]
    assert ids == [detection.id for detection in second.detections] and '1' in ids
    tracked = [track_id for track_id in ids if track_id]
    assert len(tracked) == len(set(tracked))
    other_picture = np.random.default_rng(9).integers(0, 256, picture.shape, np.uint8)

    def numbers() -> list[int]:
        return sorted(int(detection.id) for detection in ros.answer(other_picture).detections
                      if detection.id)
    assert max(numbers()) > len(numbers())
    assert ros.call(Trigger, 'inference/reset_tracks').success
    assert numbers() == list(range(1, len(numbers()) + 1))


def test_label_info_is_latched_and_class_id_can_be_an_index(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    active_node(class_id_format='index')
    found: list[LabelInfo] = []
    ros.peer.create_subscription(LabelInfo, 'label_info', found.append, QoSProfile(
        depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    ros.until(lambda: found)
    assert [(entry.class_id, entry.class_name) for entry in found[0].class_map] == [
        (0, 'car'), (1, 'truck'), (2, 'pedestrian')]
    assert {detection.results[0].hypothesis.class_id
            for detection in ros.answer().detections} <= set('012')


def test_overlay_is_drawn_for_subscribers(
        ros: Graph, active_node: Callable[..., InferenceNode], picture: np.ndarray) -> None:
    active_node()
    ros.answer()
    overlays: list[Image] = []
    ros.peer.create_subscription(Image, 'overlay', overlays.append, 10)
    ros.until(lambda: ros.answer() and overlays)
    assert (overlays[0].width, overlays[0].height, overlays[0].encoding) == (160, 90, 'bgr8')
    assert bytes(overlays[0].data) != picture.tobytes()


def test_diagnostics_contain_backend_and_stage_times(
        ros: Graph, next_status: Any, active_node: Callable[..., InferenceNode]) -> None:
    active_node()
    for _ in range(5):
        ros.answer()
    values = {entry.key: entry.value for entry in next_status(
        lambda status: any(entry.key == 'network_ms_p99' for entry in status.values)).values}
    assert values['backend'] == 'onnxruntime' and values['backend_reason']
    assert int(values['published']) >= 5 and float(values['arrival_to_detections_ms_p50']) > 0
