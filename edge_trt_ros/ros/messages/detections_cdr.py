# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Writes `Detection2DArray` as CDR bytes, all detections at once.

The layout of a detection, in words of 4 bytes; ? pads to 8 bytes:

    stamp (2), frame_id, number of results (1), class_id, ?
    score (2), pose (14), covariance (72), box (10)
    id

The middle starts at a multiple of 8 bytes and has a fixed length. Almost all of it is 0, as new
memory is; the text in front depends only on `frame_id` and class and is cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.ros.messages.cdr import ENCAPSULATION, text_words
from edge_trt_ros.vision.boxes import xyxy_to_xywh
from edge_trt_ros.vision.detections import Detections

_MIDDLE = 98
# Places in the middle that are not 0, as float64: score, w of the orientation, then the box: x and
# y of its centre, theta, width, height.
_PLACES = np.array([0, 7, 44, 45, 46, 47, 48])


class _Texts(NamedTuple):
    """
    Several texts in an array.

    :param words: uint32 (sum of lengths,), the texts one after another.
    :param starts: int64 (n,), start of each text in words.
    :param lengths: int64 (n,), length of each text in words.
    """

    words: NDArray[np.uint32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


def detections_cdr(detections: Detections, header: Any, class_ids: Sequence[str],
                   track_ids: Sequence[str] = ()) -> bytes:
    """
    Return detections as the bytes of a message; same arguments as `detections_message`.

    :param detections: boxes in source pixels.
    :param header: the image's header, passed on unchanged.
    :param class_ids: text of `class_id` for each class, from `class_id_texts`.
    :param track_ids: the track ID of each detection; empty without tracking.
    """
    count, stamp = len(detections), struct.pack('<iI', header.stamp.sec, header.stamp.nanosec)
    front = stamp + text_words(header.frame_id) + struct.pack('<I', count)
    if not count:
        return ENCAPSULATION + front
    heads = _heads(header.frame_id, tuple(class_ids))
    ids = _joined([_text_words(text) for text in track_ids or ('',) * count])
    # The middle ends at a multiple of 8, so the ID in front of a detection decides its alignment.
    before = np.empty(count, np.int64)
    before[0], before[1:] = len(front) // 4, ids.lengths[:-1]
    head_lengths = heads.lengths[detections.class_ids]
    padded = head_lengths + ((before + head_lengths) & 1)
    ends = (padded + _MIDDLE + ids.lengths).cumsum() + len(front) // 4
    id_starts = ends - ids.lengths
    middles = id_starts - _MIDDLE
    starts = middles - padded

    # One more word in front, so that the body is aligned to 8 bytes.
    end = int(ends[-1])
    data = np.zeros(2 + end + end % 2, '<u4')
    body = data[2:]
    data[1:2] = np.frombuffer(ENCAPSULATION, '<u4')
    body[:len(front) // 4] = np.frombuffer(front, '<u4')
    _copy(heads, detections.class_ids, body, starts)
    body[starts], body[starts + 1] = np.frombuffer(stamp, '<u4')
    body.view('<f8')[middles[:, None] // 2 + _PLACES] = _middles(detections)
    _copy(ids, np.arange(count), body, id_starts)
    # A message ends without padding.
    last_id = len((track_ids[-1] if track_ids else '').encode()) + 1
    return data.view(np.uint8)[4:12 + 4 * int(id_starts[-1]) + last_id].tobytes()


def _middles(detections: Detections) -> NDArray[np.float64]:
    """Return the values of `_PLACES` for each detection, float64 (n, 7)."""
    boxes_xywh = xyxy_to_xywh(detections.boxes_xyxy.astype(np.float64))
    values = np.empty((len(boxes_xywh), len(_PLACES)))
    values[:, 0] = detections.scores
    values[:, 1] = 1
    values[:, 2:4] = boxes_xywh[:, :2]
    values[:, 4] = 0 if detections.angles_rad is None else detections.angles_rad
    values[:, 5:] = boxes_xywh[:, 2:]
    return values


def _copy(texts: _Texts, chosen: NDArray[np.int64], body: NDArray[Any],
          starts: NDArray[np.int64]) -> None:
    """
    Copy texts into a message.

    :param texts: the texts.
    :param chosen: int64 (n,), the texts to copy.
    :param body: the message, in words; modified.
    :param starts: int64 (n,), where each text starts in the message, in words.
    """
    lengths = texts.lengths[chosen]
    ends = lengths.cumsum()
    firsts, words = ends - lengths, np.arange(ends[-1])
    body[words + (starts - firsts).repeat(lengths)] = texts.words[
        words + (texts.starts[chosen] - firsts).repeat(lengths)]


def _joined(texts: Sequence[bytes]) -> _Texts:
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) // 4
    return _Texts(np.frombuffer(b''.join(texts), '<u4'), lengths.cumsum() - lengths, lengths)


@lru_cache(16)
def _heads(frame_id: str, class_ids: tuple[str, ...]) -> _Texts:
    """Return what precedes the score of a detection, for each class; the stamp is 0."""
    front = bytes(8) + text_words(frame_id) + struct.pack('<I', 1)
    return _joined([front + text_words(class_id) for class_id in class_ids])


_text_words = lru_cache(4096)(text_words)
