# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The identity of a plan, and whether an installed engine is stale.

An engine is stale if the plan that it was built from differs from the current plan. The
comparison needs only hashes and no graph, so a node can repeat it often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

from edge_trt_ros.convert.graph.load import read_onnx
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.precision.calibration import calibration_sha256
from edge_trt_ros.convert.toolchain import find_toolchain
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EdgeTrtError

# Increment the number of a library when the same options build a different engine than before.
_FORMATS = {'onnxruntime': 2, 'tensorrt': 3, 'tensorrt_rtx': 3}
_INT8_FORMAT = 'int8 2'
# Options of later versions: at their default, an engine of an earlier version is fresh.
_LATER_OPTIONS = ('verification', 'require_verification', 'max_batch', 'depth', 'tensor_contract')


@dataclass(frozen=True)
class PlanIdentity:
    """
    Everything that determines the result of a build.

    :param onnx_sha256: hash of the ONNX file, its external data and its tokenizer, hexadecimal.
    :param options: the build options.
    :param calibration_sha256: hash of the content of the calibration images; '' for none.
    :param backend: the library that builds.
    :param backend_version: its version.
    :param device: name and compute capability of the GPU that the engine is bound to; '' if
        it is bound to none.
    """

    onnx_sha256: str
    options: BuildOptions
    calibration_sha256: str
    backend: str
    backend_version: str
    device: str

    def key(self) -> str:
        """Return 64 hexadecimal digits: a hash of everything that determines the engine."""
        defaults = BuildOptions().to_dict()
        options = {name: value for name, value in self.options.to_dict().items()
                   if name not in _LATER_OPTIONS or value != defaults[name]}
        int8 = [_INT8_FORMAT] if self.options.precision in ('int8', 'best') else []
        text = json.dumps([_FORMATS[self.backend], *int8, self.onnx_sha256,
                           self.calibration_sha256,
                           f'{self.backend} {self.backend_version}', self.device, options],
                          sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the identity as JSON values, as a manifest stores it."""
        return {**asdict(self), 'options': self.options.to_dict()}

    def differences(self, stored: Mapping[str, Any], onnx_name: str) -> list[str]:
        """
        Return the differences between the plan of an engine and this plan, a clause each.

        :param stored: the plan in the engine's manifest.
        :param onnx_name: name of the ONNX file, for the message.
        """
        old = {**{name: getattr(BuildOptions(), name) for name in _LATER_OPTIONS},
               **stored.get('options', {})}
        clauses = [] if self.onnx_sha256 == stored.get('onnx_sha256') else [
            f'{onnx_name} has changed since the engine was built']
        clauses += ['the tensor contract has changed' if name == 'tensor_contract' else
                    f'{name} is {old.get(name)!r} in the engine and {value!r} now'
                    for name, value in self.options.to_dict().items() if old.get(name) != value]
        if self.calibration_sha256 != stored.get('calibration_sha256', ''):
            clauses.append('the calibration images have changed')
        built, now = (f'{plan.get("backend")} {plan.get("backend_version")}'
                      for plan in (stored, asdict(self)))
        if built != now:
            clauses.append(f'it was built with {built} and {now} builds now')
        elif self.device != stored.get('device', ''):
            clauses.append(f"it was built for {stored.get('device') or 'any GPU'} and this is "
                           f"{self.device or 'any GPU'}")
        return clauses


def why_stale(engine_path: Path, onnx_path: Path, options: BuildOptions) -> str:
    """
    Return why an engine is stale, or '' if it is fresh.

    :param engine_path: the installed engine, if any.
    :param onnx_path: the ONNX file to build from; a missing file counts as unchanged.
    :param options: the options to build with.
    :raises EdgeTrtError: if the ONNX file or a calibration image cannot be read, or if the
        library that should build is not installed.
    """
    if not engine_path.exists():
        return 'there was no engine yet'
    try:
        _, manifest = read_engine(engine_path)
    except EdgeTrtError as error:
        return str(error)
    stored, toolchain = manifest.plan, find_toolchain(options)
    images = str(stored.get('calibration_sha256', ''))
    if Path(options.calibration).expanduser().exists():
        images = calibration_sha256(options)
    onnx_sha256 = read_onnx(onnx_path).sha256 if onnx_path.exists() else manifest.onnx_sha256
    now = PlanIdentity(onnx_sha256, options, images, toolchain.backend, toolchain.version,
                       toolchain.device)
    if now.key() == manifest.plan_key:
        return ''
    return '; '.join(now.differences(stored, onnx_path.name)) \
        or 'it was built by an older edge_trt_ros'
