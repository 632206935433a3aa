# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Topics and services of each node: name, type and meaning, for the reference pages.

A test compares them with what the running nodes create.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Interface:
    """
    One topic or service of a node.

    :param kind: 'subscribes', 'publishes' or 'service'.
    :param name: name relative to the node's namespace; '~' is the node's own name.
    :param type: message or service type, as `ros2 topic info` shows it.
    :param description: meaning, unit and condition.
    :param tasks: tasks of the networks with which it exists; empty for all.
    """

    kind: str
    name: str
    type: str
    description: str
    tasks: tuple[str, ...] = ()


_DIAGNOSTICS = 'diagnostic_msgs/msg/DiagnosticArray'
_IMAGE = 'sensor_msgs/msg/Image'
_TRIGGER = 'std_srvs/srv/Trigger'
_BOXES = ('detect', 'segment', 'pose', 'obb')

INFERENCE = (
    Interface('subscribes', 'image', _IMAGE, 'Camera image. bgr8, rgb8, bgra8, rgba8, mono8, '
              'yuv422 (UYVY), yuv422_yuy2 and nv12 are read directly, other encodings through '
              'cv_bridge if it is installed. With `image_transport: raw`.'),
    Interface('subscribes', 'image/compressed', 'sensor_msgs/msg/CompressedImage',
              'JPEG or PNG instead of `image`. With `image_transport: compressed`.'),
    Interface('subscribes', 'camera_info', 'sensor_msgs/msg/CameraInfo', 'Calibration of the '
              'camera, for `depth/camera_info`.', ('depth',)),
    Interface('subscribes', '<camera>/image', _IMAGE, 'With `cameras`, instead of `image`: one '
              'topic for each camera, or `<camera>/image/compressed`. Every topic below is then '
              '`<camera>/<topic>` as well.'),
    Interface('subscribes', 'text', 'std_msgs/msg/String', 'Text for a text network; every text '
              'is classified. Needs `pip install tokenizers`.', ('text',)),
    Interface('subscribes', 'tensors_in/<name>', 'std_msgs/msg/Float32MultiArray', 'Values of an '
              'input of a tensor contract, or its `topic`; the layout may be empty. `image` '
              'brings the picture of such a network.', ('tensors',)),
    Interface('publishes', 'detections', 'vision_msgs/msg/Detection2DArray', 'Boxes in pixels of '
              'the image, with the header of the image; empty if nothing is detected. Oriented '
              'boxes have a `theta`.', _BOXES),
    Interface('publishes', 'classification', 'vision_msgs/msg/Classification', 'The `top_k` '
              'classes, the highest score first.', ('classify', 'text')),
    Interface('publishes', 'keypoints', 'sensor_msgs/msg/PointCloud2', 'Keypoints: row i belongs '
              'to detection i; `x` and `y` in pixels, and `score`.', ('pose',)),
    Interface('publishes', 'mask', _IMAGE, 'Semantic segmentation: class indices as in '
              '`label_info`. Instance segmentation: the `id` of the detection, 0 is background. '
              'mono8 or mono16.', ('semantic', 'segment')),
    Interface('publishes', 'confidence', _IMAGE, 'Semantic segmentation: probability of the class '
              'of each pixel, mono8, 255 is 1. Of networks with a map for each class; computed '
              'only for subscribers.', ('semantic',)),
    Interface('publishes', 'mask_color', _IMAGE, 'Semantic mask in colours; computed only for '
              'subscribers.', ('semantic',)),
    Interface('publishes', 'depth/image', _IMAGE, '32FC1 in metres, NaN where there is no depth. '
              'In the resolution of `mask_resolution`. Of networks with metric depth.',
              ('depth',)),
    Interface('publishes', 'depth/camera_info', 'sensor_msgs/msg/CameraInfo', 'Calibration of '
              '`depth/image` with its header; published once `camera_info` was received.',
              ('depth',)),
    Interface('publishes', 'depth/relative', _IMAGE, '32FC1 without a unit, larger is nearer. Of '
              'networks with relative depth.', ('depth',)),
    Interface('publishes', 'tensors', 'std_msgs/msg/Float32MultiArray', 'The outputs that '
              'are no states, one message each: dimension i has the label `<output>/i`; without a '
              'header.', ('tensors',)),
    Interface('publishes', 'label_info', 'vision_msgs/msg/LabelInfo', 'Label of each class index '
              'and the confidence threshold. Latched (transient local).'),
    Interface('publishes', 'overlay', _IMAGE, 'Image with drawn results; computed only for '
              'subscribers.'),
    Interface('publishes', '/diagnostics', _DIAGNOSTICS, '1 Hz: engine, back end and the reason '
              'for it, rates, drops, p50, p95 and p99 of each stage.'),
    Interface('service', '~/enable', 'std_srvs/srv/SetBool', 'Stop and resume in the state '
              'active.'),
    Interface('service', '~/reload', _TRIGGER, 'Load the engine file again; the old engine stays '
              'in use if that fails.'),
    Interface('service', '~/reset_tracks', _TRIGGER, 'With `track`: delete all tracks; IDs '
              'restart at 1.'),
    Interface('service', '~/reset_state', _TRIGGER, 'For a network with a state: give it its '
              'initial values.'),
)

BUILDER = (
    Interface('publishes', '/diagnostics', _DIAGNOSTICS, 'For each model: fresh, stale (reason), '
              'queued, building (phase, percent) or failed (reason).'),
    Interface('service', '~/<model>/build', _TRIGGER, 'Build a stale engine; the response comes '
              'after the build and contains duration, size and verification.'),
    Interface('service', '~/<model>/cancel', _TRIGGER, 'Cancel a running or queued build; the '
              'installed engine stays.'),
    Interface('service', '~/build_all', _TRIGGER, 'Build all stale engines, one after the other.'),
)

DETECTIONS_3D = (
    Interface('subscribes', 'detections', 'vision_msgs/msg/Detection2DArray', 'Boxes of any '
              'detector.'),
    Interface('subscribes', 'depth/image', _IMAGE, '16UC1 in millimetres or 32FC1 in metres, '
              'registered to the colour camera.'),
    Interface('subscribes', 'camera_info', 'sensor_msgs/msg/CameraInfo', 'Focal lengths and '
              'centre of the colour camera.'),
    Interface('publishes', 'detections_3d', 'vision_msgs/msg/Detection3DArray', 'Boxes in metres '
              "in the camera's optical frame: median depth of the centre of each box, without "
              'outliers.'),
    Interface('publishes', 'obstacles', 'sensor_msgs/msg/PointCloud2', 'Points across the front '
              "of each object, for Nav2's costmap; computed only for subscribers."),
    Interface('publishes', '/diagnostics', _DIAGNOSTICS, '1 Hz: placed objects, pairs, and what '
              'is missing.'),
)

# By executable.
NODES: Mapping[str, tuple[Interface, ...]] = MappingProxyType({
    'inference_node': INFERENCE,
    'engine_builder_node': BUILDER,
    'detections_3d_node': DETECTIONS_3D,
})
