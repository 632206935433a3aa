# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Checks that an engine fits this library and GPU, before the engine is loaded."""

from __future__ import annotations

import platform
import sys

from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest, REBUILD
from edge_trt_ros.runtime.tensorrt.device import GpuDevice
from edge_trt_ros.runtime.tensorrt.library import TensorRt


def this_platform() -> str:
    """Return operating system and processor architecture, as 'linux-x86_64'."""
    return f'{sys.platform}-{platform.machine()}'


def check_identity(manifest: EngineManifest, library: TensorRt, gpu: GpuDevice) -> None:
    """
    Reject an engine that was built for another library, version, platform or GPU.

    :param manifest: manifest of the engine.
    :param library: the library that will run the engine.
    :param gpu: the GPU that will run the engine.
    :raises EngineError: names the difference, both values, and the command that fixes it.
    """
    if manifest.backend != library.name:
        raise EngineError(f'the engine is built for {manifest.backend}, but this library is '
                          f'{library.name}: {REBUILD}')
    if manifest.platform != this_platform():
        raise EngineError(f'the engine is built on {manifest.platform}, but this machine is '
                          f'{this_platform()}: {REBUILD}')
    if not _version_fits(manifest, library):
        raise EngineError(f'the engine is built with {library.name} {manifest.backend_version}, '
                          f'but {library.version} is installed: {REBUILD}')
    if not runs_on(manifest, gpu):
        capabilities = ', '.join(manifest.target['compute_capabilities'])
        raise EngineError(f'the engine is built for compute capability {capabilities}, but '
                          f'{gpu.name} has {gpu.compute_capability}: {REBUILD}')


def runs_on(manifest: EngineManifest, gpu: GpuDevice | None) -> bool:
    """Return whether the engine is built for the compute capability of a GPU."""
    capabilities = manifest.target.get('compute_capabilities', [])
    return gpu is not None and (not capabilities or any(
        _covers(built_for, gpu.compute_capability) for built_for in capabilities))


def _version_fits(manifest: EngineManifest, library: TensorRt) -> bool:
    built, here = (version.split('.') for version in (manifest.backend_version, library.version))
    if manifest.options.get('version_compatible'):
        # Compatible with the same major version, and with the same or a newer library.
        return built[0] == here[0] and _numbers(built) <= _numbers(here)
    return built == here


def _numbers(version: list[str]) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in version]


def _covers(built_for: str, here: str) -> bool:
    """Return whether '8.6', or '8.0+' (8.0 and newer), includes a compute capability."""
    if built_for.endswith('+'):
        return _numbers(here.split('.')) >= _numbers(built_for[:-1].split('.'))
    return built_for == here
