"""
What is published, by the task of the engine.

- detect: `detections`.
- classify, text: `classification`.
- semantic: `mask`, the class of each pixel as `label_info` numbers it, and `mask_color` for a
  person to look at, made only while somebody subscribes. `mono8` up to 256 classes, else `mono16`.
- segment: `detections` and `mask`, whose pixels hold the number that is the detection's `id`, 0
  for background. With tracking both are the track's number. `mono8` while `max_detections` is
  at most 255 and nothing is tracked, else `mono16`.
- pose: `detections` and `keypoints`, an organised cloud (see `task_messages`).
- obb: `detections`, whose boxes have a `theta`.
- tensors: `tensors`, one message for each output of the network. It has no header: the type
  has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Float32MultiArray, Header
from vision_msgs.msg import Classification as ClassificationMessage
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.errors import EngineError
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.messages.detections import class_id_texts, detections_message
from edge_trt_ros.ros.messages.image import image_message
from edge_trt_ros.ros.messages.tasks import (classification_message, keypoints_message,
                                             tensor_message)
from edge_trt_ros.vision.class_map import ClassMap
from edge_trt_ros.vision.classification import Classification
from edge_trt_ros.vision.decoders import Result
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.draw_result import class_palette_bgr
from edge_trt_ros.vision.instances import Instances
from edge_trt_ros.vision.raw_tensors import RawTensors
from edge_trt_ros.vision.tracking import TrackIds

TOPICS: dict[str, dict[str, Any]] = {
    'detect': {'detections': Detection2DArray},
    'classify': {'classification': ClassificationMessage},
    'text': {'classification': ClassificationMessage},
    'semantic': {'mask': Image, 'mask_color': Image},
    'segment': {'detections': Detection2DArray, 'mask': Image},
    'pose': {'detections': Detection2DArray, 'keypoints': PointCloud2},
    'obb': {'detections': Detection2DArray},
    'tensors': {'tensors': Float32MultiArray},
}


class ResultPublishers:
    """
    The publishers of one task.

    :param task: as the manifest states it.
    :param make_publisher: called with a message type and a topic for each of them.
    :raises EngineError: for a task that is not known.
    """

    def __init__(self, task: str, make_publisher: Callable[[Any, str], Any]) -> None:
        if task not in TOPICS:
            raise EngineError(f"the engine's task is '{task}', known are {', '.join(TOPICS)}: "
                              'update edge_trt_ros, or rebuild the engine')
        self._by_topic = {topic: make_publisher(kind, topic)
                          for topic, kind in TOPICS[task].items()}

    def tune(self, parameters: InferenceParameters, labels: Sequence[str]) -> None:
        """Take over what may change while images flow."""
        self._parameters = parameters
        self._labels = labels
        self._class_ids = class_id_texts(labels, parameters.class_id_format)

    def publish(self, result: Result, header: Header, tracks: TrackIds | None) -> None:
        """
        Publish what was found in one image.

        :param result: of this task.
        :param header: the image's header, passed on as it is.
        :param tracks: gives detections their ids; None where nobody asked for it.
        """
        if isinstance(result, Detections):
            self._publish_detections(result, header, tracks)
        elif isinstance(result, Instances):
            self._publish_instances(result, header, tracks)
        elif isinstance(result, Classification):
            self._by_topic['classification'].publish(
                classification_message(result, header, self._class_ids))
        elif isinstance(result, ClassMap):
            self._publish_class_map(result, header)
        elif isinstance(result, RawTensors):
            for name, values in result.by_name.items():
                self._by_topic['tensors'].publish(tensor_message(name, values))

    def _publish_detections(self, detections: Detections, header: Header,
                            tracks: TrackIds | None) -> None:
        stamp_ns = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
        ids = tracks.update(detections, stamp_ns) if tracks else ()
        self._by_topic['detections'].publish(
            detections_message(detections, header, self._class_ids, ids))
        if detections.keypoints is not None:
            self._by_topic['keypoints'].publish(keypoints_message(detections.keypoints, header))

    def _publish_instances(self, instances: Instances, header: Header,
                           tracks: TrackIds | None) -> None:
        detections = instances.detections
        ids = [str(index + 1) for index in range(len(detections))]
        if tracks:
            stamp_ns = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
            ids = tracks.update(detections, stamp_ns)
        small = self._parameters.max_detections <= 255 and not tracks
        # What has no track yet is not painted.
        numbers = np.array([0, *(int(one or 0) for one in ids)], np.uint8 if small else np.uint16)
        self._by_topic['detections'].publish(
            detections_message(detections, header, self._class_ids, ids))
        pixels: Any = numbers[instances.instance_map]
        self._by_topic['mask'].publish(
            image_message(pixels, header, 'mono8' if small else 'mono16'))

    def _publish_class_map(self, class_map: ClassMap, header: Header) -> None:
        small = len(self._labels) <= 256
        classes = (class_map.in_source_resolution()
                   if self._parameters.mask_resolution == 'source'
                   else class_map.in_network_resolution())
        pixels: Any = np.ascontiguousarray(classes, np.uint8 if small else np.uint16)
        self._by_topic['mask'].publish(
            image_message(pixels, header, 'mono8' if small else 'mono16'))
        if self._by_topic['mask_color'].get_subscription_count():
            self._by_topic['mask_color'].publish(
                image_message(class_palette_bgr(len(self._labels))[classes], header, 'bgr8'))
