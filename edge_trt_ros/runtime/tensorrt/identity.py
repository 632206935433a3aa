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

# The only major versions of a builder and a later runtime that fit (support matrix of 11.4).
_ACROSS_MAJORS = ('10', '11')


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
                          f'{library.name}: {REBUILD}', code='engine_library')
    if manifest.platform != this_platform():
        raise EngineError(f'the engine is built on {manifest.platform}, but this machine is '
                          f'{this_platform()}: {REBUILD}', code='engine_platform')
    if not _version_fits(manifest, library):
        raise EngineError(f'the engine is built with {library.name} {manifest.backend_version}, '
                          f'but {library.version} is installed: {_why_not(manifest)}; {REBUILD}',
                          code='engine_version')
    if not runs_on(manifest, gpu):
        capabilities = ', '.join(manifest.target['compute_capabilities'])
        raise EngineError(f'the engine is built for compute capability {capabilities}, but '
                          f'{gpu.name} has {gpu.compute_capability}: {REBUILD}',
                          code='engine_gpu')


def runs_on(manifest: EngineManifest, gpu: GpuDevice | None) -> bool:
    """Return whether the engine is built for the compute capability of a GPU."""
    capabilities = manifest.target.get('compute_capabilities', [])
    return gpu is not None and (not capabilities or any(
        _covers(built_for, gpu.compute_capability) for built_for in capabilities))


def _version_fits(manifest: EngineManifest, library: TensorRt) -> bool:
    built, here = (version.split('.') for version in (manifest.backend_version, library.version))
    if manifest.options.get('version_compatible'):
        # The same major version, the same or newer; of two major versions only this pair.
        return (built[0], here[0]) == _ACROSS_MAJORS or (
            built[0] == here[0] and _numbers(built) <= _numbers(here))
    return built == here


def _why_not(manifest: EngineManifest) -> str:
    if manifest.options.get('version_compatible'):
        return 'version_compatible engines run on later versions of the same major version, and ' \
               f"those of {' on '.join(_ACROSS_MAJORS)}"
    return 'it runs only on this version, since it is built without version_compatible'


def _numbers(version: list[str]) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in version]


def _covers(built_for: str, here: str) -> bool:
    """Return whether '8.6', or '8.0+' (8.0 and newer), includes a compute capability."""
    if built_for.endswith('+'):
        return _numbers(here.split('.')) >= _numbers(built_for[:-1].split('.'))
    return built_for == here
