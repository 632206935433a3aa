# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The CUDA kernel that preprocesses images, compiled for the CPU."""

from __future__ import annotations

from collections.abc import Callable
import ctypes
from functools import lru_cache
from pathlib import Path
import shutil
import subprocess
import tempfile
from typing import Any

HAS_COMPILER = shutil.which('g++') is not None
SOURCE = (Path(__file__).resolve().parents[2]
          / 'edge_trt_ros' / 'runtime' / 'cuda' / 'preprocess.cu')
# Runs a grid of blocks with a single thread, sequentially.
_HOST = r"""
#include <cmath>
#include <cstddef>
#include <cstring>
struct Index { int x, y, z; };
static Index blockIdx, blockDim = {1, 1, 1}, threadIdx;
#define __device__ static inline
#define __global__
static unsigned float_bits(float value) {
  unsigned bits; std::memcpy(&bits, &value, 4); return bits;
}
static unsigned short half_bits(float value) {
  _Float16 half = value; unsigned short bits; std::memcpy(&bits, &half, 2); return bits;
}
#include "%s"
extern "C" void letterbox_all(
    int images, const unsigned char* memory, void* tensor, int width, int height, int is_bgr,
    int element, int resize, float pad, float gain0, float gain1, float gain2, float offset0,
    float offset1, float offset2) {
  for (blockIdx.z = 0; blockIdx.z < images; blockIdx.z++)
    for (blockIdx.y = 0; blockIdx.y < height; blockIdx.y++)
      for (blockIdx.x = 0; blockIdx.x < width; blockIdx.x++)
        letterbox(memory, tensor, width, height, is_bgr, element, resize, pad,
                  gain0, gain1, gain2, offset0, offset1, offset2);
}
"""
_TYPES = [ctypes.c_int] + [ctypes.c_void_p] * 2 + [ctypes.c_int] * 5 + [ctypes.c_float] * 7


@lru_cache(maxsize=1)
def letterbox_kernel() -> Callable[..., Any]:
    """Return the kernel as a function of the number of images and of its own arguments."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / 'host.cpp').write_text(_HOST % SOURCE, encoding='utf-8')
        subprocess.run(['g++', '-O2', '-shared', '-fPIC', '-x', 'c++', str(folder / 'host.cpp'),
                        '-o', str(folder / 'host.so')], check=True)
        function: Any = ctypes.CDLL(str(folder / 'host.so')).letterbox_all
    function.argtypes = _TYPES
    return function  # type: ignore[no-any-return]
