# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The kernel timings that speed up the next build."""

from __future__ import annotations

from pathlib import Path
import re
from typing import TYPE_CHECKING

from edge_trt_ros.files import read_file
from edge_trt_ros.runtime.tensorrt.device import GpuDevice
from edge_trt_ros.runtime.tensorrt.library import TensorRt

if TYPE_CHECKING:
    from tensorrt import IBuilderConfig, ITimingCache


def timing_cache_path(folder: Path | None, library: TensorRt, gpu: GpuDevice | None
                      ) -> Path | None:
    """
    Return the file of the timings of this version and GPU.

    :param folder: folder of the files; None for no timings.
    :param library: the library that builds.
    :param gpu: the GPU on which it builds.
    :returns: the file; None without a folder, and for TensorRT for RTX.
    """
    if folder is None or gpu is None or library.is_rtx:
        return None
    device = re.sub('[^a-z0-9]+', '_', f'{gpu.name} {gpu.compute_capability}'.lower())
    return folder / f'{library.name}_{library.version}_{device}.timing_cache'


def read_timing_cache(config: IBuilderConfig, path: Path | None) -> ITimingCache | None:
    """
    Give a build the kernel timings of earlier builds.

    :param config: the configuration of the build.
    :param path: the file with the timings; None for none.
    :returns: the cache that the build fills; None without a file.
    """
    if path is None:
        return None
    try:
        stored = read_file(path)
    except OSError:
        stored = b''
    cache = config.create_timing_cache(stored)
    # TensorRT rejects a damaged cache, and that of another GPU; then start with an empty one.
    if cache is None or not config.set_timing_cache(cache, False):
        cache = config.create_timing_cache(b'')
        config.set_timing_cache(cache, False)
    return cache
