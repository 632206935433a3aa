# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node that scores detections against the truth and collects overlay images."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSPresetProfiles
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.demo.road.truth import Truth
from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.evaluation.score import Score
from edge_trt_ros.percentiles import percentiles
from edge_trt_ros.ros.node.parameters import DeclaredParameters
from edge_trt_ros.settings import check_settings, setting
from edge_trt_ros.stamps import stamp_ns
from edge_trt_ros.vision.detections import Detections

PASS_MARK = 0.85
_PENDING = 300


@dataclass(frozen=True)
class ScoringParameters:
    """Parameters of `scoreboard`; each field describes itself."""

    seconds: float = setting(20.0, 'Duration of the scoring.', limits=(1.0, 86400.0))
    output_directory: str = setting('demo_output', 'Folder for the pictures and the result.')
    inference_node: str = setting('inference', 'The detector to activate and to score.')
    build_service: str = setting('engine_builder/demo/build', 'Service that builds the engine.')

    def __post_init__(self) -> None:
        check_settings(self)


class ScoringNode(Node):
    """Subscribes to `truth` and `detections`, pairs them by stamp and scores them."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('scoreboard', **node_arguments)
        self.parameters = DeclaredParameters(self, ScoringParameters).read()
        self.score = Score()
        self.latencies_ms: list[float] = []
        self.health: dict[str, str] = {}
        self.pictures: list[Any] = []
        self._expired = 0
        self._last_stamp_ns = 0
        self._class_ids: dict[str, int] = {}
        self._truths: OrderedDict[int, LabelledBoxes] = OrderedDict()
        self._founds: OrderedDict[int, Detections] = OrderedDict()
        self._subscribed: list[Any] = []

    def release(self) -> None:
        """Release nothing: the node holds no resources."""

    def start(self) -> None:
        """Start scoring."""
        self._subscribed += [
            self.create_subscription(Detection2DArray, 'truth', self._on_truth, 50),
            self.create_subscription(Detection2DArray, 'detections', self._on_detections, 50),
            self.create_subscription(DiagnosticArray, '/diagnostics', self._on_health, 10)]

    def stop(self) -> None:
        """Stop scoring and start collecting overlay images."""
        for subscription in self._subscribed:
            self.destroy_subscription(subscription)
        self._subscribed = [self.create_subscription(
            Image, 'overlay', self.pictures.append, QoSPresetProfiles.SENSOR_DATA.value)]

    def result(self) -> dict[str, Any]:
        """Return the result; latency runs from the image's stamp to its detections."""
        p50, p95, p99 = percentiles(self.latencies_ms, (50, 95, 99))
        return {
            'frames': self.score.frames, 'detections': self.score.detections,
            'recall': round(self.score.recall, 4), 'precision': round(self.score.precision, 4),
            'latency_ms': {'p50': round(p50, 2), 'p95': round(p95, 2), 'p99': round(p99, 2)},
            'drops': self.drops,
            'backend': self.health.get('backend', ''),
            'reason': self.health.get('backend_reason', '')}

    @property
    def drops(self) -> int:
        """Number of images between the first and the last scored one that were not scored."""
        return self._expired + sum(stamp < self._last_stamp_ns for stamp in self._truths)

    def passed(self) -> bool:
        """Return whether recall and precision both reach the pass mark."""
        return min(self.score.recall, self.score.precision) >= PASS_MARK

    def _on_truth(self, message: Detection2DArray) -> None:
        found = self._detections(message)
        self._truths[stamp_ns(message.header)] = Truth(
            found.boxes_xyxy, found.class_ids, found.scores).labelled_boxes()
        self._pair(stamp_ns(message.header))

    def _on_detections(self, message: Detection2DArray) -> None:
        taken_ns = stamp_ns(message.header)
        self.latencies_ms.append((self.get_clock().now().nanoseconds - taken_ns) / 1e6)
        self._founds[taken_ns] = self._detections(message)
        self._pair(taken_ns)

    def _on_health(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith(': inference'):
                self.health = {entry.key: entry.value for entry in status.values}

    def _pair(self, taken_ns: int) -> None:
        if taken_ns in self._truths and taken_ns in self._founds:
            if not self.score.frames:
                # Images from before the detector was active are not drops.
                self._truths = OrderedDict(
                    item for item in self._truths.items() if item[0] >= taken_ns)
            self.score.add(self._truths.pop(taken_ns), self._founds.pop(taken_ns))
            self._last_stamp_ns = max(self._last_stamp_ns, taken_ns)
        while len(self._truths) > _PENDING:
            self._truths.popitem(last=False)
            self._expired += bool(self.score.frames)
        while len(self._founds) > _PENDING:
            self._founds.popitem(last=False)

    def _detections(self, message: Detection2DArray) -> Detections:
        boxes, scores, class_ids = [], [], []
        for detection in message.detections:
            box, hypothesis = detection.bbox, detection.results[0].hypothesis
            centre, half_x, half_y = box.center.position, box.size_x / 2, box.size_y / 2
            boxes.append((centre.x - half_x, centre.y - half_y,
                          centre.x + half_x, centre.y + half_y))
            scores.append(hypothesis.score)
            class_ids.append(self._class_ids.setdefault(
                hypothesis.class_id, len(self._class_ids)))
        return Detections(np.array(boxes, np.float32).reshape(-1, 4),
                          np.array(scores, np.float32), np.array(class_ids, np.int64))
