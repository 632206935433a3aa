# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tasks classify and text: `classification`, the highest score first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from std_msgs.msg import Header
from vision_msgs.msg import Classification as ClassificationMessage
from vision_msgs.msg import ObjectHypothesis

from edge_trt_ros.ros.messages.cdr import CdrWriter
from edge_trt_ros.ros.messages.form import MessageForm, probe_header
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask, Seen
from edge_trt_ros.vision.tasks.classify import Classification


def publish(publishers: Publishers, result: Classification, header: Header, style: MessageStyle,
            seen: Seen) -> None:
    """Publish the classification."""
    publishers['classification'].publish(result, header, style.class_ids)


def classification_message(classification: Classification, header: Header,
                           class_ids: Sequence[str]) -> ClassificationMessage:
    """
    Return a classification as a message, the highest score first.

    :param classification: classes and scores.
    :param header: the image's header, passed on unchanged.
    :param class_ids: text of `class_id` for each class.
    """
    return ClassificationMessage(header=header, results=[
        ObjectHypothesis(class_id=class_ids[class_id], score=score)
        for class_id, score in zip(classification.class_ids.tolist(),
                                   classification.scores.tolist())])


def classification_cdr(classification: Classification, header: Header,
                       class_ids: Sequence[str]) -> bytes:
    """Return a classification as bytes; same arguments as `classification_message`."""
    writer = CdrWriter()
    writer.header(header)
    writer.numbers('I', len(classification.scores))
    for class_id, score in zip(classification.class_ids.tolist(),
                               classification.scores.tolist()):
        writer.text(class_ids[class_id])
        writer.numbers('d', score)
    return writer.message()


CLASSIFICATION = MessageForm(
    ClassificationMessage, classification_message, classification_cdr, (
        Classification(np.array([1, 0]), np.array([0.5, 0.25], np.float32)), probe_header(),
        ('car', 'pedestrian')))
TASK = RosTask('classify', {'classification': CLASSIFICATION}, publish)
TEXT = replace(TASK, name='text')
