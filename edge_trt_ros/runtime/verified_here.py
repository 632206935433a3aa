# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Remembers which engines were verified on this machine, by engine, library and device.

A manifest is written where the engine is built, which may be a machine that cannot run it. What a
verification on the robot found is a file of its own in the user's cache folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
import hashlib
from importlib.metadata import PackageNotFoundError, version
import json
import logging
from pathlib import Path
from typing import Any

from edge_trt_ros.errors import EngineError
from edge_trt_ros.files import read_file, write_file
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.cuda.kernel_cache import cache_folder
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.identity import this_platform
from edge_trt_ros.runtime.tensorrt.library import load_tensorrt, TENSORRT_NAMES
from edge_trt_ros.verification import DEVICE, ENGINE_RAN, NOTHING_SEEN, VERIFIED

_MAX_BYTES = 1 << 20
_LOG = logging.getLogger(__name__)


def known_here(manifest: EngineManifest, device_id: int = 0) -> EngineManifest:
    """
    Return a manifest with what a verification on this machine found.

    :param manifest: manifest of an engine whose bytes were checked against it.
    :param device_id: number of the GPU.
    :returns: the same manifest if nothing is known of this engine, library and device.
    """
    identity = _identity(manifest, device_id)
    if not identity:
        return manifest
    try:
        found = json.loads(read_file(_path(identity), _MAX_BYTES))
        if found['identity'] == identity and found['verification']['status'] in (
                VERIFIED, NOTHING_SEEN):
            return with_verification(manifest, found['verification'])
    except (OSError, ValueError, LookupError, TypeError):
        pass  # there is none, or it is damaged: then nothing is known
    return manifest


def remember(manifest: EngineManifest, verification: Mapping[str, Any], device_id: int = 0
             ) -> Mapping[str, Any]:
    """
    Keep what a verification on this machine found.

    :param manifest: manifest of the engine.
    :param verification: the outcome.
    :param device_id: number of the GPU.
    :returns: the outcome with the name of the device.
    """
    identity = _identity(manifest, device_id)
    if not identity:
        return verification
    found = {**verification, DEVICE: identity['device']}
    path = _path(identity)
    try:
        write_file(path, json.dumps(
            {'identity': identity, 'verification': found}, indent=2).encode())
    except OSError as error:
        _LOG.warning('the verification cannot be remembered in %s: %s; the next start does not '
                     'know of it', path, error.strerror)
    return found


def with_verification(manifest: EngineManifest, verification: Mapping[str, Any]
                      ) -> EngineManifest:
    """Return a manifest with a later verification; what only the build compared stays in it."""
    return replace(manifest, verification={
        **manifest.verification, ENGINE_RAN: True, **verification})


def _identity(manifest: EngineManifest, device_id: int) -> dict[str, str]:
    """Return what an outcome holds for; empty if the engine cannot run here."""
    if manifest.backend not in TENSORRT_NAMES:
        # An ONNX file: its library is the one that compares it.
        return {'engine_sha256': manifest.engine_sha256, 'library': _onnxruntime(),
                'device': f'the CPU ({this_platform()})'}
    gpu = find_gpu(device_id)
    if gpu is None:
        return {}
    try:
        library = load_tensorrt(manifest.backend)
    except EngineError:
        return {}
    return {'engine_sha256': manifest.engine_sha256,
            'library': f'{library.name} {library.version}', 'device': gpu.name,
            'compute_capability': gpu.compute_capability, 'driver': gpu.driver}


def _onnxruntime() -> str:
    try:
        return f"onnxruntime {version('onnxruntime')}"
    except PackageNotFoundError:
        return 'onnxruntime'


def _path(identity: Mapping[str, str]) -> Path:
    key = hashlib.sha256('\n'.join(identity.values()).encode()).hexdigest()
    return cache_folder() / f'{key[:32]}.verified.json'
