# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Checks the identity of a server's model, and each of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.kserve.problems import ServerError
from edge_trt_ros.runtime.kserve.served_model import DATATYPES, differences, PIXELS, ServedModel
from edge_trt_ros.tensor_spec import TensorSpec

_DTYPES = {datatype: name for name, datatype in DATATYPES.items()}


def check_identity(expected: EngineManifest | None, found: EngineManifest, url: str) -> None:
    """
    Reject a model that is not the expected one.

    :param expected: manifest of the expected engine; None accepts any.
    :param found: manifest of the served engine.
    :param url: address of the server.
    :raises ServerError: names what differs.
    """
    differing = [] if expected is None else differences(expected, found)
    if differing:
        more = f', and {len(differing) - 4} more' if len(differing) > 4 else ''
        raise ServerError(f'the server {url} has another model than expected: '
                          f"{'; '.join(differing[:4])}{more}: load the expected model there, or "
                          'call ~/reload to use the new one', code='served_model_differs')


def check_tensors(metadata: Any, served: ServedModel, url: str) -> tuple[TensorSpec, ...]:
    """
    Return the tensors that a served model reads, and check them and its outputs.

    :param metadata: the server's metadata of the model.
    :param served: what its configuration states.
    :param url: address of the server.
    :raises ServerError: names the tensors on both sides.
    """
    manifest = served.manifest
    reads, returns = (tuple(map(_spec, tensors)) for tensors in (
        metadata.inputs, metadata.outputs))
    if served.sent == PIXELS:
        width, height = manifest.image_input.size_wh
        wanted = tuple(TensorSpec(spec.name, 'uint8', (1, height, width, 3)) for spec in reads[:1])
    else:
        wanted = tuple(TensorSpec(spec.name, spec.dtype, manifest.input_shape(spec.name))
                       for spec in manifest.inputs)
    for kind, ours, theirs in (('reads', wanted, reads), ('returns', manifest.outputs, returns)):
        by_name = {spec.name: spec for spec in theirs}
        if len(ours) != len(theirs) or not ours or not all(
                spec.name in by_name and _fits(spec, by_name[spec.name]) for spec in ours):
            raise ServerError(
                f"the model on {url} {kind} {'; '.join(map(str, theirs)) or 'nothing'}, expected "
                f"{'; '.join(map(str, ours)) or 'an image'}: write it again with "
                '`build_engine --serve`', code='served_model_differs')
    return wanted


def checked_outputs(response: Any, request_id: str, name: str, version: str,
                    outputs: Sequence[TensorSpec], url: str) -> Mapping[str, NDArray[Any]]:
    """
    Return the outputs of an answer.

    :param response: the answer.
    :param request_id: number of the request.
    :param name: name of the model.
    :param version: its version.
    :param outputs: the outputs that the manifest states.
    :param url: address of the server.
    :raises ServerError: if the answer is for another request or model, or its tensors are not
        those of the manifest, or not finite.
    """
    def nonsense(what: str) -> ServerError:
        return ServerError(f'the server {url} {what}: look into its log, or write the model again '
                           'with `build_engine --serve`', code='server_answer')
    if response.id != request_id:
        raise nonsense(f"answered the request '{response.id}' instead of '{request_id}'")
    if (response.model_name, response.model_version) != (name, version):
        raise nonsense(f'answered with the model {response.model_name}/{response.model_version} '
                       f'instead of {name}/{version}')
    contents = response.raw_output_contents
    if len(contents) != len(response.outputs):
        raise nonsense(f'sent {len(contents)} tensors, and describes {len(response.outputs)}')
    found = {tensor.name: (tensor, content) for tensor, content in zip(response.outputs, contents)}
    arrays = {}
    for spec in outputs:
        if spec.name not in found:
            raise nonsense(f"did not send the output '{spec.name}'")
        tensor, content = found[spec.name]
        shape = tuple(tensor.shape)
        if _DTYPES.get(tensor.datatype) != spec.dtype or not _shape_fits(spec.shape, shape):
            raise nonsense(f"sent the output '{spec.name}' as {tensor.datatype}{list(shape)} "
                           f'instead of {spec}')
        size = TensorSpec(spec.name, spec.dtype, shape).size_bytes
        if len(content) != size:
            raise nonsense(f"sent {len(content)} bytes of the output '{spec.name}' instead of "
                           f'{size}')
        arrays[spec.name] = np.frombuffer(content, spec.dtype).reshape(shape)
        if spec.dtype in ('float32', 'float16') and not np.isfinite(arrays[spec.name]).all():
            raise nonsense(f"sent values of the output '{spec.name}' that are NaN or infinite")
    return arrays


def _spec(tensor: Any) -> TensorSpec:
    # An unknown type stays visible in the message, and fits nothing.
    dtype = _DTYPES.get(tensor.datatype, 'bool')
    return TensorSpec(tensor.name, dtype, tuple(max(-1, length) or -1 for length in tensor.shape))


def _fits(ours: TensorSpec, theirs: TensorSpec) -> bool:
    return ours.dtype == theirs.dtype and len(ours.shape) == len(theirs.shape) and all(
        -1 in (have, want) or have == want for have, want in zip(theirs.shape, ours.shape))


def _shape_fits(wanted: tuple[int, ...], found: tuple[int, ...]) -> bool:
    return len(wanted) == len(found) and all(
        length > 0 and want in (-1, length) for want, length in zip(wanted, found))
