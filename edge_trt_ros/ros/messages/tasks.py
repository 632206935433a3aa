"""What networks of other tasks than detection give, as the standard messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
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


def keypoints_message(keypoints: NDArray[np.float32], header: Header) -> PointCloud2:
    """
    Return the keypoints of an image as an organised cloud.

    Row i belongs to detection i of `detections` with the same header, column k is keypoint k in
    the order of the network's training. Fields, float32 each: `x` and `y` in pixels of the image
    (and not metres), `score` from 0 to 1.

    :param keypoints: float32 (objects, keypoints, 3): x, y, score.
    :param header: the image's header, passed on as it is.
    """
    rows, columns, numbers = keypoints.shape
    message = PointCloud2(
        header=header, height=rows, width=columns, is_bigendian=False, point_step=4 * numbers,
        row_step=4 * numbers * columns, is_dense=True, fields=[
            PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
            for index, name in enumerate(('x', 'y', 'score'))])
    message.data.frombytes(np.ascontiguousarray(keypoints, '<f4').tobytes())
    return message


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
