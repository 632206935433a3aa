# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a GPU decodes in a sample's graph, and the result of the rows that it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import first_line, ManifestError, NetworkOutputError
from edge_trt_ros.heads import HEADS
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, ORIENTED_NMS, WriteCode
from edge_trt_ros.manifest import EngineManifest, REBUILD
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

# Names of the arrays that the device returns besides outputs of the network.
COUNTS, ROWS, EXTRAS = 'device_head/counts', 'device_head/rows', 'device_head/extras'
# The layout of `Row` in head.cu: a detection, its corners in source pixels.
ROW = np.dtype([('box_xyxy', 'f4', 4), ('score', 'f4'), ('angle', 'f4'), ('label', 'i4'),
                ('row', 'i4')])
MAX_CANDIDATES = 4096
_DEFAULT_CANDIDATES = 1000
_WARP = 32
_READABLE = ('float32', 'float16')
_MAX_OUTPUTS = 8  # length of `Reader::from` in head.cu


@dataclass(frozen=True)
class DeviceDecoding:
    """
    What a GPU decodes.

    :param code: the head's code for this network.
    :param network: the network.
    :param outputs: the network's outputs by role.
    :param candidates: maximum number of candidates for NMS, the best; a multiple of 32.
    :param options: options of the head's decoder.
    """

    code: DeviceCode
    network: DeviceNetwork
    outputs: Mapping[str, TensorSpec]
    candidates: int
    options: Mapping[str, Any]

    @property
    def to_host(self) -> tuple[str, ...]:
        """Names of the outputs that the host reads besides the detections."""
        return tuple(self.outputs[role].name for role in self.code.to_host)

    def decode(self, outputs: Mapping[str, NDArray[Any]], letterbox: Letterbox,
               thresholds: Thresholds) -> Any:
        """
        Return the result of the task; the thresholds were applied on the device.

        :raises NetworkOutputError: if a value of the network's outputs is not finite.
        """
        _, bad, _ = outputs[COUNTS].tolist()
        if bad:
            names = ', '.join(spec.name for spec in self.outputs.values())
            raise NetworkOutputError(
                f"values of the network's outputs ({names}) are NaN or infinite: the engine is "
                'broken or its precision overflows; rebuild it in fp32 and compare')
        rows = outputs[ROWS]
        found = Detections(
            rows['box_xyxy'].copy(), rows['score'].copy(), rows['label'].astype(np.int64),
            angles_rad=rows['angle'].copy() if self.code.suppress == ORIENTED_NMS else None)
        extras = outputs[EXTRAS].copy()
        if thresholds.class_confidence:  # the device applied the smallest of them
            accepted = thresholds.accepted(found.scores, found.class_ids)
            found, extras = found[accepted], extras[accepted]
        by_role = {role: outputs[spec.name] for role, spec in self.outputs.items()
                   if role in self.code.to_host}
        return self.code.finish(found, extras, by_role, letterbox, self.options)


def device_decoding(manifest: EngineManifest, outputs: Mapping[str, TensorSpec]
                    ) -> DeviceDecoding | None:
    """
    Return what a GPU decodes of an engine; None if the engine or the host decodes its head.

    :param manifest: manifest of the engine, whose decoder is checked (`decoder_of`).
    :param outputs: the outputs of the open engine by name.
    :raises ManifestError: if the options of the decoder contradict the outputs.
    """
    head = HEADS.get(manifest.decoder)
    image = next((kind for kind in manifest.input_kinds if isinstance(kind, ImageInput)), None)
    if head is None or head.on_device is None or image is None or not manifest.decoding:
        return None
    try:
        return _written(head.on_device, manifest, image, outputs)
    except (LookupError, TypeError, ValueError, ArithmeticError, StopIteration) as error:
        # Options come from the manifest, which may contradict the head.
        raise ManifestError(
            f"the head '{head.name}' cannot be written for the outputs of this engine with the "
            f'decoding {dict(manifest.decoding)} ({first_line(error)}): {REBUILD}') from error


def _written(on_device: WriteCode, manifest: EngineManifest, image: ImageInput,
             outputs: Mapping[str, TensorSpec]) -> DeviceDecoding | None:
    options = dict(manifest.decoding['options'])
    by_role = {role: outputs[name] for role, name in manifest.decoding['roles'].items()}
    if len(by_role) > _MAX_OUTPUTS or any(
            not (role.isascii() and role.isidentifier()) or spec.dtype not in _READABLE
            for role, spec in by_role.items()):
        return None
    network = DeviceNetwork({role: spec.shape for role, spec in by_role.items()}, image.size_wh,
                            len(manifest.labels), options)
    code = on_device(network)
    if any(by_role[role].dtype != 'float32' for role in code.to_host):
        return None
    asked = int(manifest.options.get('max_candidates', _DEFAULT_CANDIDATES))
    candidates = -(-min(asked, code.rows, MAX_CANDIDATES) // _WARP) * _WARP
    return DeviceDecoding(code, network, by_role, candidates, options)
