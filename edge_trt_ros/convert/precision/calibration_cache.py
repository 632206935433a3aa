# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A cache of measured ranges next to the engine, with a hash of everything they depend on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
import hashlib
import json
from pathlib import Path

import onnx

from edge_trt_ros.convert.precision.ranges import TensorRange
from edge_trt_ros.files import read_file, write_file

Ranges = dict[str, TensorRange]


def calibration_cache_path(engine_path: Path) -> Path:
    """Return the path of the cache for an engine."""
    return engine_path.with_name(engine_path.name + '.calibration.json')


def calibration_key(model: onnx.ModelProto, *parts: str) -> str:
    """
    Return a hash of the network and the other parts, 64 hexadecimal digits.

    :param model: the network that is calibrated.
    :param parts: the images' hash, the method, the preprocessing, the library's version.
    """
    digest = hashlib.sha256(model.SerializeToString(deterministic=True))
    digest.update(json.dumps([1, *parts]).encode())
    return digest.hexdigest()


def cached_ranges(path: Path | None, key: str, measure: Callable[[], Ranges]) -> Ranges:
    """
    Return the ranges in a cache file, or measure them and write the file.

    :param path: the cache file, or None. A damaged file or a file with another key is replaced.
    :param key: a result of `calibration_key`.
    :param measure: measures the ranges.
    """
    known = _read(path, key) if path is not None else None
    if known is not None:
        return known
    ranges = measure()
    if path is not None:
        values = {name: asdict(tensor_range) for name, tensor_range in sorted(ranges.items())}
        write_file(path, json.dumps({'key': key, 'ranges': values}).encode())
    return ranges


def _read(path: Path, key: str) -> Ranges | None:
    try:
        stored = json.loads(read_file(path))
        if stored['key'] != key:
            return None
        return {name: TensorRange(float(values['bound']), float(values['peak']))
                for name, values in stored['ranges'].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
