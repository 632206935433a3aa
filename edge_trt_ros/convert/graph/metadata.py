"""
What a network's ONNX file says about itself beside its graph.

Task and labels are written under the names that Ultralytics gives them, so that one reader
serves both. How pixels become the input has no such convention: it is one JSON object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
import json
from typing import Any

from edge_trt_ros.errors import ManifestError, ModelError
from edge_trt_ros.network_input import ImageInput

INPUT_CONTRACT = 'edge_trt_ros.input_contract'
_FIELDS = ('color_order', 'scale', 'mean', 'std', 'pad_value')


def metadata_of(task: str, labels: tuple[str, ...], image_input: ImageInput | None
                ) -> dict[str, str]:
    """
    Return the metadata properties of an export.

    :param task: as `detect`; '' leaves it out.
    :param labels: class names; empty leaves them out.
    :param image_input: how pixels become the input; None leaves it out.
    """
    metadata = {'task': task, 'names': repr(dict(enumerate(labels))) if labels else ''}
    if image_input:
        metadata[INPUT_CONTRACT] = json.dumps(
            {name: getattr(image_input, name) for name in _FIELDS}, sort_keys=True)
        metadata['imgsz'] = str([image_input.size_wh[1], image_input.size_wh[0]])
    return {key: value for key, value in metadata.items() if value}


def image_input_from_metadata(metadata: Mapping[str, str], usual: ImageInput) -> ImageInput:
    """
    Return how pixels become the input, as the exporter stated it or as is usual.

    :param metadata: the metadata properties of an ONNX file.
    :param usual: what holds where nothing is stated.
    :raises ModelError: if what is stated cannot be used.
    """
    text = metadata.get(INPUT_CONTRACT)
    if text is None:
        return usual
    plain = ImageInput(usual.size_wh, tensor=usual.tensor)
    return image_input_from_text(text, plain, f"the ONNX metadata '{INPUT_CONTRACT}'")


def image_input_from_text(text: str, base: ImageInput, source: str) -> ImageInput:
    """
    Read how pixels become the input.

    :param text: a JSON object with some of the fields of `ImageInput`.
    :param base: size and tensor, and the fields that the text does not state.
    :param source: where the text is from, for messages.
    :raises ModelError: if it cannot be used.
    """
    try:
        stated: Any = json.loads(text)
        unknown = sorted(set(stated) - set(_FIELDS))
        if unknown:
            raise ValueError(f"unknown are {', '.join(unknown)}; known {', '.join(_FIELDS)}")
        values: dict[str, Any] = {
            name: tuple(map(float, value)) if name in ('mean', 'std') else value
            for name, value in stated.items()}
        if not isinstance(values.get('scale', 1.0), (int, float)) \
                or values.get('pad_value', 0) not in range(256):
            raise ValueError('scale is a number and pad_value one from 0 to 255')
        return replace(base, **values)
    except (ValueError, TypeError, AttributeError, RecursionError, ManifestError) as error:
        raise ModelError(f'{source} cannot be used ({error}): expected JSON such as '
                         '{"color_order": "bgr", "scale": 1.0}') from error
