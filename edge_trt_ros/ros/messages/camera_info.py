# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Writes the calibration of an image that was computed from a camera's image."""

from __future__ import annotations

import array

import numpy as np
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from edge_trt_ros.ros.messages.cdr import CdrWriter
from edge_trt_ros.ros.messages.form import MessageForm, probe_header


def camera_info_message(camera: CameraInfo, header: Header, size_wh: tuple[int, int]
                        ) -> CameraInfo:
    """
    Return the calibration of an image of another size that shows the same as the camera's.

    :param camera: calibration of the camera; binning and region become part of the matrices.
    :param header: header of the image.
    :param size_wh: width and height of the image.
    """
    region = camera.roi
    # The matrices describe the full sensor; binning and resizing scale the region alike.
    x = size_wh[0] / max(region.width or camera.width, 1)
    y = size_wh[1] / max(region.height or camera.height, 1)
    k, p = np.array(camera.k).reshape(3, 3), np.array(camera.p).reshape(3, 4)
    for matrix in (k, p):
        matrix[0, 2] -= region.x_offset
        matrix[1, 2] -= region.y_offset
        # The centre of pixel 0 is 0: half a pixel moves with the scale.
        matrix[:2, 2] += 0.5
        matrix[0] *= x
        matrix[1] *= y
        matrix[:2, 2] -= 0.5
    return CameraInfo(
        header=header, width=size_wh[0], height=size_wh[1],
        distortion_model=camera.distortion_model, d=array.array('d', camera.d), k=k.ravel(),
        r=camera.r, p=p.ravel(), roi=RegionOfInterest(do_rectify=region.do_rectify))


def camera_info_cdr(camera: CameraInfo, header: Header, size_wh: tuple[int, int]) -> bytes:
    """Return a calibration as the bytes of a message; arguments of `camera_info_message`."""
    made = camera_info_message(camera, header, size_wh)
    writer = CdrWriter()
    writer.header(header)
    writer.numbers('I', made.height, made.width)
    writer.text(made.distortion_model)
    writer.numbers('I', len(made.d))
    for values in (made.d, made.k, made.r, made.p):
        if len(values):
            writer.numbers('d', *values)
    writer.numbers('I', made.binning_x, made.binning_y, made.roi.x_offset, made.roi.y_offset,
                   made.roi.height, made.roi.width)
    writer.numbers('B', made.roi.do_rectify)
    return writer.message()


def _probe() -> CameraInfo:
    return CameraInfo(
        width=8, height=6, distortion_model='plumb_bob', d=array.array('d', [.1, .2, .3, .4, .5]),
        k=np.arange(1., 10), r=np.arange(2., 11), p=np.arange(3., 15),
        roi=RegionOfInterest(do_rectify=True))


CAMERA_INFO = MessageForm(CameraInfo, camera_info_message, camera_info_cdr, (
    _probe(), probe_header(), (4, 3)))
