# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Distances from a cell's centre to the four sides of a box, each a distribution over bins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.heads.decoding import Floats, softmax
from edge_trt_ros.heads.head import Tail


def append_distances(tail: Tail, bins: str, centres: str, strides: str, kept: int, count: int
                     ) -> None:
    """
    Append `boxes_xyxy` of distributions.

    :param bins: tensor [1, K, 4 * count], logits of left, top, right and bottom.
    :param centres: tensor [1, K, 2], pixels.
    :param strides: tensor [1, K, 1], pixels in a bin.
    :param kept: K.
    :param count: number of bins of a side.
    """
    shares = tail.node('Softmax', [tail.node('Reshape', [bins, tail.ints(1, kept, 4, count)])],
                       axis=3)
    weighted = tail.node('Mul', [shares, tail.constant(np.arange(count, dtype=np.float32))])
    sides = tail.node('Mul', [tail.node('ReduceSum', [weighted, tail.ints(3)], keepdims=0),
                              strides])
    tail.node('Concat', [tail.node('Sub', [centres, tail.columns(sides, 0, 2, 2)]),
                         tail.node('Add', [centres, tail.columns(sides, 2, 4, 2)])],
              'boxes_xyxy', axis=2)


def boxes_of(bins: Floats, centres: Floats, strides: Floats) -> NDArray[np.float32]:
    """
    Return corners in pixels.

    :param bins: float32 (n, 4 * count), logits of left, top, right and bottom.
    :param centres: float32 (n, 2), pixels.
    :param strides: float32 (n, 1), pixels in a bin.
    """
    count = bins.shape[1] // 4
    shares = softmax(bins.reshape(-1, count))
    sides = (shares @ np.arange(count, dtype=np.float32)).reshape(-1, 4) * strides
    return np.concatenate([centres - sides[:, :2], centres + sides[:, 2:]], 1)


# The expected value of the bins from `at`; BINS is their number.
MEAN_BIN = """
template <class Values> __device__ float mean_bin(Values value, int at) {
  float largest = value(at), sum = 0, mean = 0;
  for (int bin = 1; bin < BINS; ++bin) largest = fmaxf(largest, value(at + bin));
  for (int bin = 0; bin < BINS; ++bin) {
    float share = expf(value(at + bin) - largest);
    sum += share;
    mean += share * bin;
  }
  return mean / sum;
}
template <class Values>
__device__ void from_distances(Row& found, Values value, int at, float x, float y, float stride) {
  found.x1 = x - mean_bin(value, at) * stride;
  found.y1 = y - mean_bin(value, at + BINS) * stride;
  found.x2 = x + mean_bin(value, at + 2 * BINS) * stride;
  found.y2 = y + mean_bin(value, at + 3 * BINS) * stride;
}
"""
