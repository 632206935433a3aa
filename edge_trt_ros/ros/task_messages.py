"""What networks of other tasks than detection give, as the standard messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Float32MultiArray, Header, MultiArrayDimension, MultiArrayLayout
from vision_msgs.msg import Classification as ClassificationMessage
from vision_msgs.msg import ObjectHypothesis

from edge_trt_ros.vision.classification import Classification


def classification_message(classification: Classification, header: Header,
                           class_ids: Sequence[str]) -> ClassificationMessage:
    """
    Return a classification as a message, the likeliest class first.

    :param classification: classes and scores.
    :param header: the image's header, passed on as it is.
    :param class_ids: what `class_id` holds for each class.
    """
    return ClassificationMessage(header=header, results=[
        ObjectHypothesis(class_id=class_ids[class_id], score=score)
        for class_id, score in zip(classification.class_ids.tolist(),
                                   classification.scores.tolist())])


def tensor_message(name: str, values: NDArray[np.float32]) -> Float32MultiArray:
    """
    Return an output of a network as a message.

    :param name: the output's name; the label of dimension i is `<name>/<i>`.
    :param values: float32 of any shape.
    """
    strides = np.cumprod((*values.shape, 1)[::-1])[::-1].tolist()
    message = Float32MultiArray(layout=MultiArrayLayout(dim=[
        MultiArrayDimension(label=f'{name}/{axis}', size=size, stride=strides[axis])
        for axis, size in enumerate(values.shape)]))
    message.data = values.ravel().tolist()
    return message
