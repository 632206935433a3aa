# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The kernel timings that speed up the next build."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge_trt_ros.files import read_file
from edge_trt_ros.runtime.tensorrt.library import TensorRt

if TYPE_CHECKING:
    from tensorrt import IBuilderConfig, ITimingCache


def read_timing_cache(config: IBuilderConfig, library: TensorRt, path: Path | None
                      ) -> ITimingCache | None:
    """
    Give a build the kernel timings of earlier builds.

    :param config: the configuration of the build.
    :param library: the library that builds.
    :param path: the file with the timings; None for none.
    :returns: the cache that the build fills; None without a file, and for TensorRT for RTX.
    """
    if path is None or library.is_rtx:
        return None
    try:
        stored = read_file(path)
    except OSError:
        stored = b''
    cache = config.create_timing_cache(stored)
    # TensorRT rejects the cache of another GPU or version; then start with an empty cache.
    if not config.set_timing_cache(cache, False):
        cache = config.create_timing_cache(b'')
        config.set_timing_cache(cache, False)
    return cache
