# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The CUDA code of each head, compiled for the CPU, finds the candidates of the reference."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path
import shutil
import subprocess

import numpy as np
from numpy.typing import NDArray
import pytest
from support.head_outputs import Arrays, Case, CASES, SIZE_WH

from edge_trt_ros.heads import HEADS
from edge_trt_ros.runtime.cuda.head_source import head_source
from edge_trt_ros.runtime.device_decoding import ROW
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks import TASKS
from edge_trt_ros.vision.thresholds import Thresholds

pytestmark = pytest.mark.skipif(shutil.which('g++') is None, reason='needs a C++ compiler')
# Runs the kernel `decode` with a single thread; the other kernels only compile.
HOST = r"""
#include <algorithm>
#include <cmath>
#include <cstring>
using std::min; using std::isfinite;
struct Index { int x, y, z; };
static Index blockIdx, blockDim = {1, 1, 1}, threadIdx, gridDim = {1, 1, 1};
#define __device__ static inline
#define __global__
#define __shared__ static
#define __align__(bytes) alignas(bytes)
#define asm(...)
static float __int_as_float(unsigned bits) {
  float value; std::memcpy(&value, &bits, 4); return value;
}
static int atomicAdd(int* at, int value) { int old = *at; *at += value; return old; }
static int __ffs(int value) { return __builtin_ffs(value); }
static unsigned atomicOr(unsigned* at, unsigned value) { return *at |= value; }
static int __shfl_xor_sync(unsigned, int value, int) { return value; }
static unsigned __ballot_sync(unsigned, bool value) { return value; }
static void __syncwarp() {}
%s
extern "C" int decode_all(const void** from, const float* numbers, const int* limits,
                          Row* rows, int* bad) {
  Settings settings = {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5],
                       numbers[6], numbers[7], limits[0], limits[1], {(unsigned)limits[2]}};
  int state[2] = {0, 0};
  for (blockIdx.x = 0; blockIdx.x < ROWS; blockIdx.x++) decode(%s, &settings, state, rows);
  *bad = state[1];
  return state[0];
}
"""


def candidates(case: Case, arrays: Arrays, letterbox: Letterbox, thresholds: Thresholds,
               folder: Path) -> tuple[NDArray[np.void], int]:
    """Return the candidates, best first, and the number of values that are not finite."""
    decoding = case.decoding()
    source = head_source(decoding.code, decoding.network, decoding.outputs, decoding.candidates)
    addresses = ', '.join(f'from[{index}]' for index in range(len(arrays)))
    (folder / 'head.cpp').write_text(HOST % (source, addresses))
    subprocess.run(['g++', '-O1', '-w', '-shared', '-fPIC', '-o', str(folder / 'head.so'),
                    str(folder / 'head.cpp')], check=True)
    library = ctypes.CDLL(str(folder / 'head.so'))
    pointers = (ctypes.c_void_p * len(arrays))(*(
        values.ctypes.data for values in arrays.values()))
    numbers = np.array([thresholds.confidence, thresholds.nms_iou, letterbox.scale_x,
                        letterbox.scale_y, letterbox.pad_left, letterbox.pad_top,
                        *letterbox.source_size_wh], np.float32)
    wanted = thresholds.class_ids
    limits = np.array([300, wanted is not None, sum(1 << label for label in wanted or ())],
                      np.int32)
    rows, bad = np.zeros(decoding.code.rows, ROW), ctypes.c_int()
    count = library.decode_all(pointers, *(values.ctypes.data_as(ctypes.c_void_p) for values in (
        numbers, limits, rows)), ctypes.byref(bad))
    found = rows[:count]
    return found[np.lexsort((found['row'], -found['score']))], bad.value


@pytest.mark.parametrize('wanted', [None, frozenset({0, 2})], ids=['all', 'filtered'])
@pytest.mark.parametrize('head', CASES)
def test_candidates_are_those_of_the_reference(head: str, wanted: frozenset[int] | None,
                                               tmp_path: Path) -> None:
    case, letterbox = CASES[head], Letterbox.fit((300, 200), SIZE_WH)
    arrays = case.arrays(1)
    thresholds = Thresholds(0.25, nms_iou=1.0, max_detections=10_000, class_ids=wanted)
    result = HEADS[head].decode(arrays, letterbox, thresholds, **case.options)
    expected = TASKS[HEADS[head].tasks[0]].detections(result)
    assert expected is not None and len(expected) > 3
    found, bad = candidates(case, arrays, letterbox, thresholds, tmp_path)
    assert bad == 0 and len(found) == len(expected)
    np.testing.assert_allclose(found['score'], expected.scores, atol=1e-6)
    np.testing.assert_array_equal(found['label'], expected.class_ids)
    boxes = letterbox.boxes_to_source(found['box_xyxy'])
    if expected.angles_rad is None:
        boxes = np.clip(boxes, 0, np.array([300, 200] * 2))
    else:
        np.testing.assert_array_equal(found['angle'], expected.angles_rad)
    np.testing.assert_allclose(boxes, expected.boxes_xyxy, atol=1e-3)


@pytest.mark.parametrize('head', CASES)
def test_every_value_that_is_not_finite_is_counted(head: str, tmp_path: Path) -> None:
    case, letterbox = CASES[head], Letterbox.fit(SIZE_WH, SIZE_WH)
    arrays = case.arrays(2)
    random, count = np.random.default_rng(0), 0
    for role, values in arrays.items():
        # These are counted by the kernel `check`.
        if role not in case.decoding().code.to_host:
            places = random.choice(values.size, 25, replace=False)
            values.reshape(-1)[places] = random.choice([np.nan, np.inf, -np.inf], 25)
            count += 25
    _, bad = candidates(case, arrays, letterbox, Thresholds(), tmp_path)
    # A value that is read twice is counted twice.
    assert count <= bad <= 3 * count


def test_rows_without_a_class_are_refused() -> None:
    case = replace(CASES['yolo_pose'], options={'keypoint_shape': (20, 3)})
    with pytest.raises(ValueError, match='57 values a row leave no class besides 60 others'):
        case.decoding()
