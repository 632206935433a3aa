# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Masks and parameters fit the semantic_segmentation_layer of Nav2, field by field.

The tables state what ros-navigation/semantic_segmentation_layer has in
src/semantic_segmentation_layer.cpp and README.md at commit b269885 of 2026-05-21.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rclpy.qos import (DurabilityPolicy, qos_check_compatible, QoSCompatibility,
                       QoSPresetProfiles, QoSProfile, ReliabilityPolicy)
import yaml

from edge_trt_ros.ros.inference.camera import LATCHED
from edge_trt_ros.ros.inference.parameters import InferenceParameters, QOS_PROFILES
from edge_trt_ros.ros.interfaces import INFERENCE
from edge_trt_ros.ros.node.qos import qos_profile

ROOT = Path(__file__).resolve().parent.parent
SENSOR_DATA = QoSPresetProfiles.SENSOR_DATA.value
LATCHED_SUBSCRIPTION = QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL,
                                  reliability=ReliabilityPolicy.RELIABLE)
# Parameter of a source: our topic, the type and the QoS of the layer's subscription.
TOPICS = {
    'segmentation_topic': ('mask', 'sensor_msgs/msg/Image', SENSOR_DATA),
    'confidence_topic': ('confidence', 'sensor_msgs/msg/Image', SENSOR_DATA),
    'labels_topic': ('label_info', 'vision_msgs/msg/LabelInfo', LATCHED_SUBSCRIPTION),
    'pointcloud_topic': (None, 'sensor_msgs/msg/PointCloud2', SENSOR_DATA)}
LAYER = {'enabled': bool, 'combination_method': int, 'observation_sources': str,
         'publish_debug_topics': bool, 'use_approximate_time_sync': bool,
         'sensor_data_depth': int}
SOURCE = {**dict.fromkeys(TOPICS, str), 'observation_persistence': float,
          'expected_update_rate': float, 'class_types': list, 'max_obstacle_distance': float,
          'min_obstacle_distance': float, 'tile_map_decay_time': float,
          'visualize_tile_map': bool, 'use_cost_selection': bool, 'camera_horizontal_fov': float,
          'camera_vertical_fov': float, 'fov_decay_time': float,
          'outside_fov_decay_time': float, 'visualize_frustum_fov': bool}
CLASS_TYPE = {'classes': list, 'base_cost': int, 'max_cost': int, 'mark_confidence': int,
              'samples_to_max_cost': int, 'dominant_priority': bool}
PLUGIN = 'semantic_segmentation_layer::SemanticSegmentationLayer'


@pytest.fixture
def layer() -> dict[str, Any]:
    text = (ROOT / 'config' / 'nav2_segmentation.yaml').read_text(encoding='utf-8')
    values = yaml.safe_load(text)['local_costmap']['local_costmap']['ros__parameters']
    assert 'semantic_segmentation_layer' in values['plugins']
    found: dict[str, Any] = values['semantic_segmentation_layer']
    return found


def check(values: dict[str, Any], known: dict[str, type]) -> None:
    """Each value has the name and the type of a parameter that the layer declares."""
    assert set(values) <= set(known)
    for name, value in values.items():
        assert type(value) is known[name], name


def test_parameters_have_names_and_types_of_the_layer(layer: dict[str, Any]) -> None:
    assert layer.pop('plugin') == PLUGIN
    sources = {name: layer.pop(name) for name in layer['observation_sources'].split()}
    check(layer, LAYER)
    for source in sources.values():
        kinds = {name: source.pop(name) for name in source['class_types']}
        check(source, SOURCE)
        for kind in kinds.values():
            check(kind, CLASS_TYPE)
            assert kind['classes'] and 0 <= kind['base_cost'] <= kind['max_cost'] <= 254
            assert 0 <= kind.get('mark_confidence', 0) <= 255


@pytest.mark.parametrize('parameter', TOPICS)
def test_topics_have_type_and_qos_of_the_layer(parameter: str, layer: dict[str, Any]) -> None:
    topic, kind, subscription = TOPICS[parameter]
    if topic is None:
        return  # the points come from the depth camera
    assert layer['camera'][parameter] == f'/segmentation/{topic}'
    published = next(listed for listed in INFERENCE
                     if listed.kind == 'publishes' and listed.name == topic)
    assert published.type == kind and (not published.tasks or 'semantic' in published.tasks)
    offered = [LATCHED] if topic == 'label_info' else [qos_profile(name) for name in QOS_PROFILES]
    for profile in offered:
        compatibility, reason = qos_check_compatible(profile, subscription)
        assert compatibility != QoSCompatibility.ERROR, reason


def test_the_launch_file_publishes_there() -> None:
    text = (ROOT / 'launch' / 'nav2_segmentation.launch.py').read_text(encoding='utf-8')
    assert "'namespace': ('segmentation'," in text
    # The layer reads as many points as the mask has pixels.
    assert "'mask_resolution': 'source'" in text
    assert InferenceParameters().mask_resolution == 'source'
