# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Open an engine, or an ONNX file as it was exported; verify the engine where it runs."""

from __future__ import annotations

import logging
from pathlib import Path

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import BuildError, ManifestError
from edge_trt_ros.manifest import EngineManifest, manifest_path
from edge_trt_ros.optional_libraries import require_converter
from edge_trt_ros.runtime.select import open_engine, OpenedRuntime, Placement
from edge_trt_ros.runtime.verified_here import known_here, with_verification
from edge_trt_ros.signature import PublicKeys, SIGN
from edge_trt_ros.verification import ENGINE_RAN, sentence

_LOG = logging.getLogger(__name__)


def open_network(path: Path, backend: str = 'auto', placement: Placement = Placement(),
                 verify: bool = False, keys: PublicKeys | None = None) -> OpenedRuntime:
    """
    Open an engine, or build an ONNX file in memory and open the result.

    :param path: an engine with its manifest, or a file `*.onnx` without a manifest.
    :param backend: 'auto', or the back end that must run it.
    :param placement: where it runs.
    :param verify: whether to verify an engine that has not run where it was built.
    :param keys: the keys that may sign it; with keys, an ONNX file is refused.
    :raises EdgeTrtError: if it cannot be opened, or is verified and differs from its ONNX file.
    """
    if path.suffix.lower() != '.onnx' or manifest_path(path).exists():
        engine, manifest = read_engine(path, keys)
        manifest = known_here(manifest, placement.device_id)
        if verify and not manifest.verification.get(ENGINE_RAN, True):
            manifest = _verified(path, engine, manifest, placement)
        return open_engine(engine, manifest, backend, placement)
    if keys is not None:
        raise ManifestError(
            f'{path} is an ONNX file, and only engines signed by a key in {keys.path} are used: '
            f'build an engine with `build_engine`, and {SIGN}', code='signature_missing')
    require_converter(f'converting {path}')
    # Importing the converter and onnx takes a second, and an engine does not need them.
    from edge_trt_ros.convert.build import build
    from edge_trt_ros.convert.options import BuildOptions
    from edge_trt_ros.convert.plan import plan_build
    built = build(plan_build(path, BuildOptions(backend=backend)))
    opened = open_engine(built.engine, built.manifest, backend, placement)
    return OpenedRuntime(opened.runtime, f'{opened.reason}; converted at start from {path.name}')


def _verified(path: Path, engine: bytes, manifest: EngineManifest, placement: Placement
              ) -> EngineManifest:
    """Verify an engine on this machine, and return its manifest with the outcome."""
    require_converter('verify_on_configure')
    from edge_trt_ros.convert.verify_installed import onnx_beside, verify_installed
    onnx_path = onnx_beside(path)
    _LOG.info('%s has not run where it was built: comparing it with %s', path, onnx_path)
    try:
        found = verify_installed(engine, manifest, onnx_path, placement=placement)
    except BuildError as error:
        raise BuildError(f'{path}: {error}: rebuild it on this machine', code=error.code
                         ) from error
    _LOG.info('%s: %s', path, sentence(found))
    return with_verification(manifest, found)
