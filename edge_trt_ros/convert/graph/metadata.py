# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The metadata of an ONNX file: task, labels and preprocessing.

Task and labels use the keys of Ultralytics, so the same code reads the exports of both. There
is no such convention for the preprocessing: it is a JSON object under a key of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
import json
from typing import Any

from edge_trt_ros.errors import ManifestError, ModelError
from edge_trt_ros.network_input import ImageInput

INPUT_CONTRACT = 'edge_trt_ros.input_contract'
_FIT = ('fit', 'crop_fraction', 'resize')  # left out if the head is to decide
_FIELDS = ('color_order', 'scale', 'mean', 'std', 'pad_value', *_FIT)


def metadata_of(task: str, labels: tuple[str, ...], image_input: ImageInput | None
                ) -> dict[str, str]:
    """
    Return the metadata properties of an export.

    :param task: the task, such as `detect`; '' omits it.
    :param labels: class names; an empty tuple omits them.
    :param image_input: the preprocessing; None omits it.
    """
    metadata = {'task': task, 'names': repr(dict(enumerate(labels))) if labels else ''}
    if image_input:
        metadata[INPUT_CONTRACT] = json.dumps(
            {name: getattr(image_input, name) for name in _FIELDS
             if name not in _FIT or image_input.fit != 'letterbox'}, sort_keys=True)
        metadata['imgsz'] = str([image_input.size_wh[1], image_input.size_wh[0]])
    return {key: value for key, value in metadata.items() if value}


def image_input_from_metadata(metadata: Mapping[str, str], default: ImageInput) -> ImageInput:
    """
    Return the preprocessing that the exporter stated, or a default.

    :param metadata: the metadata properties of an ONNX file.
    :param default: the preprocessing if the metadata state none.
    :raises ModelError: if the stated preprocessing is invalid.
    """
    text = metadata.get(INPUT_CONTRACT)
    if text is None:
        return default
    plain = ImageInput(default.size_wh, tensor=default.tensor, fit=default.fit,
                       resize=default.resize)
    return image_input_from_text(text, plain, f"the ONNX metadata '{INPUT_CONTRACT}'")


def image_input_from_text(text: str, base: ImageInput, source: str) -> ImageInput:
    """
    Read the preprocessing from JSON.

    :param text: a JSON object with some of the fields of `ImageInput`.
    :param base: size and tensor, and values of the fields that the text omits.
    :param source: name of the text's source, for messages.
    :raises ModelError: if the text is invalid.
    """
    try:
        stated: Any = json.loads(text)
        unknown = sorted(set(stated) - set(_FIELDS))
        if unknown:
            raise ValueError(f"unknown fields {', '.join(unknown)}; known are "
                             f"{', '.join(_FIELDS)}")
        values: dict[str, Any] = {
            name: tuple(map(float, value)) if name in ('mean', 'std') else value
            for name, value in stated.items()}
        if not all(isinstance(values.get(name, 1.0), (int, float))
                   for name in ('scale', 'crop_fraction')) \
                or values.get('pad_value', 0) not in range(256):
            raise ValueError('scale is a number, crop_fraction as well, and pad_value an integer '
                             'from 0 to 255')
        return replace(base, **values)
    except (ValueError, TypeError, AttributeError, RecursionError, ManifestError) as error:
        raise ModelError(f'{source} cannot be used ({error}): expected JSON such as '
                         '{"color_order": "bgr", "scale": 1.0}') from error
