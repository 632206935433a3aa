# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Decodes the outputs of an engine: by an output format of its task, or by its head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from numpy.typing import NDArray

from edge_trt_ros.errors import EngineError, first_line, ManifestError, NetworkOutputError
from edge_trt_ros.heads import HEADS
from edge_trt_ros.manifest import EngineManifest, REBUILD
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks import find_task, Result
from edge_trt_ros.vision.thresholds import Thresholds

Decode = Callable[[Mapping[str, NDArray[Any]], Letterbox, Thresholds], Result]


def decoder_of(manifest: EngineManifest) -> Decode:
    """
    Return the decoder of an engine, and check that the engine's outputs fit it.

    :param manifest: manifest of the engine.
    :raises EngineError: for an unknown task or decoder.
    :raises ManifestError: if the outputs in the manifest do not fit the decoder.
    """
    task = find_task(manifest.task)
    output_format = task.format(manifest.decoder)
    if output_format is not None:
        misfit = output_format.misfit(manifest.outputs)
        if misfit:
            raise ManifestError(f"the engine's decoder is '{manifest.decoder}', but it {misfit}: "
                                f'{REBUILD}')
        return output_format.decode
    head = HEADS.get(manifest.decoder)
    if head is None or manifest.task not in head.tasks:
        known = ', '.join([
            *(output_format.name for output_format in task.formats),
            *(name for name, known_head in HEADS.items() if task.name in known_head.tasks)])
        raise EngineError(f"the engine's decoder is '{manifest.decoder}', expected for the task "
                          f"'{manifest.task}': {known}; update edge_trt_ros, or rebuild the "
                          'engine')
    return _on_the_host(manifest, head.decode)


def _on_the_host(manifest: EngineManifest, decode: Callable[..., Result]) -> Decode:
    try:
        roles = {str(role): str(name) for role, name in manifest.decoding['roles'].items()}
        options = {str(name): value for name, value in manifest.decoding['options'].items()}
    except (LookupError, AttributeError) as error:
        raise ManifestError(f'decoding is {dict(manifest.decoding)}, expected roles and options '
                            f"of the head '{manifest.decoder}': {REBUILD}") from error
    missing = sorted(set(roles.values()) - {output.name for output in manifest.outputs})
    if missing:
        raise ManifestError(f"the engine's head '{manifest.decoder}' needs the outputs "
                            f"{', '.join(missing)}, but the engine has "
                            f"{'; '.join(map(str, manifest.outputs))}: {REBUILD}")
    try:
        signature(decode).bind(None, None, None, **options)
    except TypeError as error:
        raise ManifestError(f"the engine's head '{manifest.decoder}' has other options than "
                            f'{sorted(options)} ({error}): {REBUILD}') from error

    def decoded(outputs: Mapping[str, NDArray[Any]], letterbox: Letterbox, thresholds: Thresholds
                ) -> Result:
        by_role = {role: outputs[name] for role, name in roles.items()}
        try:
            return decode(by_role or outputs, letterbox, thresholds, **options)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            # Outputs and options come from the manifest, which may contradict the head.
            raise NetworkOutputError(
                f"the head '{manifest.decoder}' cannot decode the outputs with the options "
                f'{options} ({first_line(error)}): {REBUILD}') from error
    return decoded
