# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
vision_msgs, installed or the stand-in, has the message definitions that the nodes need.

DDS participants compare type hashes: they communicate only if the hashes are equal.
"""

from __future__ import annotations

from importlib import import_module
import json

from ament_index_python.packages import get_package_share_path
import pytest
import rclpy
from rclpy.serialization import deserialize_message
from rclpy.serialization import serialize_message

# Published hashes of vision_msgs 4.1.1, the release for Jazzy.
EXPECTED_HASHES = {
    'Detection2DArray':
        'RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968',
    'Detection2D':
        'RIHS01_0d12b69df5c593b3455b7346fac8205437a7d4bcb09b9e0e0b2dde787ded38ea',
    'BoundingBox2D':
        'RIHS01_008eacbb0cf8f26e83795547bed013eec3675485ef386ec056d80eaaf1c1ce2f',
    'ObjectHypothesisWithPose':
        'RIHS01_41c12344c0396c48b81df12467c192d99b2a0eb1463c5c37194e4223251c80bc',
    'ObjectHypothesis':
        'RIHS01_51da43cec11c01957a64d1e05a24acd18aae7745ec30b74348ad5f6d634f7f90',
    'Pose2D':
        'RIHS01_b0b5d1d7b4c20dd4fcde3ed1d4b289a919290572007d67a97043814db25d3648',
    'Point2D':
        'RIHS01_eab0e83f44ab4de92ceaf76dd7d0e7638f2bdd1d16ffbe16c7a136c48e407247',
    'Classification':
        'RIHS01_f74db28d0eaef3afb78f48bf2161cd709a1383a0309d3454383b25be11345143',
    'LabelInfo':
        'RIHS01_3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783',
    'VisionInfo':
        'RIHS01_95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284',
    'VisionClass':
        'RIHS01_1e4a11f0fed50b5623cb8ff26ca0e37952a48a9c074d16f804b44e9164c2037a',
    'BoundingBox2DArray':
        'RIHS01_2464e82838009386d371b523211c21c91d74d313fcdd6788223c531d621cf691',
    'BoundingBox3D':
        'RIHS01_bbb73a65c163d7f9bb29009c7bde9f7faa576bd2d23299c4511d19230dab4698',
    'BoundingBox3DArray':
        'RIHS01_a81938db9576b10c2eecd7c5a5da3eac496efd00221b25ed051dfbc81fb56da6',
    'Detection3D':
        'RIHS01_ddd703be132ab0b69d33121f1bb034132bfbb3b0ac5f9fb1516005ba1c8a265b',
    'Detection3DArray':
        'RIHS01_793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018',
}


@pytest.fixture(scope='module')
def node():
    """Yield a node in a separate ROS domain."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=101)
    node = rclpy.create_node('vision_msgs_hashes', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def message_type(name):
    return getattr(import_module('vision_msgs.msg'), name)


@pytest.mark.parametrize('name', EXPECTED_HASHES)
def test_installed_definition_has_the_published_hash(name):
    path = get_package_share_path('vision_msgs') / 'msg' / f'{name}.json'
    hashes = {entry['type_name']: entry['hash_string']
              for entry in json.loads(path.read_text())['type_hashes']}
    assert hashes[f'vision_msgs/msg/{name}'] == EXPECTED_HASHES[name]


@pytest.mark.parametrize('name', EXPECTED_HASHES)
def test_publisher_announces_the_published_hash(node, name):
    publisher = node.create_publisher(message_type(name), f'hash_of_{name}', 1)
    try:
        announced, = node.get_publishers_info_by_topic(f'hash_of_{name}')
        assert str(announced.topic_type_hash) == EXPECTED_HASHES[name]
    finally:
        node.destroy_publisher(publisher)


@pytest.mark.parametrize('name', EXPECTED_HASHES)
def test_message_survives_serialization(name):
    message = message_type(name)()
    assert deserialize_message(serialize_message(message), message_type(name)) == message


def test_filled_detections_survive_serialization():
    detections = message_type('Detection2DArray')()
    detections.header.frame_id = 'camera'
    detection = message_type('Detection2D')()
    detection.bbox.center.position.x = 12.5
    detection.bbox.size_x = 3.0
    hypothesis = message_type('ObjectHypothesisWithPose')()
    hypothesis.hypothesis.class_id = 'car'
    hypothesis.hypothesis.score = 0.75
    detection.results.append(hypothesis)
    detections.detections.append(detection)

    back = deserialize_message(serialize_message(detections), message_type('Detection2DArray'))

    assert back == detections
    assert back.detections[0].results[0].hypothesis.class_id == 'car'
