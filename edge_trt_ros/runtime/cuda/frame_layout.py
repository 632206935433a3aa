# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What the preprocess kernel must know of each image of a batch (`Frame` in preprocess.cu)."""

from __future__ import annotations

from struct import Struct

from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.vision.letterbox import Letterbox

# Numbers of the enumerators in preprocess.cu.
ENCODINGS = {'bgr8': 0, 'rgb8': 1, 'bgra8': 2, 'rgba8': 3, 'mono8': 4, 'yuv422': 5, 'uyvy': 5,
             'yuv422_yuy2': 6, 'yuyv': 6, 'nv12': 7}
# The layout of `Frame`.
FRAME = Struct('=q8i2f')


def frame_layout(frame: Frame, letterbox: Letterbox, start: int) -> bytes:
    """
    Return what the kernel must know of an image, in the layout `FRAME`.

    :param frame: the image, whose encoding is checked.
    :param letterbox: its position in the input tensor.
    :param start: place of its bytes in the memory of the batch.
    """
    row_bytes = frame.pixels.size // frame.pixels.shape[0]
    return FRAME.pack(
        start, ENCODINGS[frame.encoding], *frame.size_wh, row_bytes, *letterbox.resized_size_wh,
        letterbox.pad_left, letterbox.pad_top, 1 / letterbox.scale_x, 1 / letterbox.scale_y)
