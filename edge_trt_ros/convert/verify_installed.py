# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Verify an engine that is installed already, and remember the outcome on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_trt_ros.convert.compare.samples import NamedSample
from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.options import options_from_dict
from edge_trt_ros.convert.verify import verify
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.heads import recognise
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.select import Placement
from edge_trt_ros.runtime.verified_here import remember


def verify_installed(engine: bytes, manifest: EngineManifest, onnx_path: Path,
                     given: Sequence[NamedSample] = (), placement: Placement = Placement(),
                     progress: Callable[[float], None] = lambda fraction: None
                     ) -> Mapping[str, Any]:
    """
    Compare an installed engine with its ONNX file.

    :param engine: bytes of the engine.
    :param manifest: its manifest.
    :param onnx_path: the ONNX file that it was built from.
    :param given: images of the user, in addition to those of this package.
    :param placement: the GPU or DLA core that runs it.
    :param progress: called with the fraction of the samples that are compared.
    :returns: see `convert.verify.verify`.
    :raises ConfigurationError: if the engine was built from another file.
    :raises BuildError: if the engine does not do what its ONNX does.
    """
    options = options_from_dict(manifest.options)
    checked = check_onnx(onnx_path, options.input_shape, options.contract)
    if checked.sha256 != manifest.onnx_sha256:
        raise ConfigurationError(
            f'{onnx_path} is {checked.sha256[:12]}, but the engine was built from '
            f'{manifest.onnx_sha256[:12]}: give that file, or rebuild the engine',
            code='verification_onnx')
    head = recognise(checked, options.given, checked.reads_text)
    found = verify(engine, manifest, checked, head, given,
                   str(manifest.layers.get('precision', 'fp32')), progress, placement)
    return remember(manifest, found, placement.device_id)


def onnx_beside(engine_path: Path) -> Path:
    """
    Return the ONNX file of an engine: the engine's path with the suffix .onnx.

    :raises ConfigurationError: if it is not there.
    """
    path = engine_path.with_suffix('.onnx')
    if not path.is_file():
        raise ConfigurationError(
            f'verify_on_configure is set, and {engine_path.name} has not run where it was built, '
            f'but there is no {path} to compare it with: copy the ONNX file that it was built '
            'from there, or set verify_on_configure to false', code='verification_onnx')
    return path
