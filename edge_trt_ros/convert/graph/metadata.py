"""
What a network's ONNX file says about itself beside its graph.

Task and labels are written under the names that Ultralytics gives them, so that one reader
serves both. How pixels become the input has no such convention: it is one JSON object.
"""

from __future__ import annotations

from collections.abc import Mapping
import json
from typing import Any

from edge_trt_ros.errors import ManifestError, ModelError
from edge_trt_ros.manifest import InputContract

INPUT_CONTRACT = 'edge_trt_ros.input_contract'
_FIELDS = ('color_order', 'scale', 'mean', 'std', 'pad_value')


def metadata_of(task: str, labels: tuple[str, ...], contract: InputContract | None
                ) -> dict[str, str]:
    """
    Return the metadata properties of an export.

    :param task: as `detect`; '' leaves it out.
    :param labels: class names; empty leaves them out.
    :param contract: how pixels become the input; None leaves it out.
    """
    metadata = {'task': task, 'names': repr(dict(enumerate(labels))) if labels else ''}
    if contract:
        metadata[INPUT_CONTRACT] = json.dumps(
            {name: getattr(contract, name) for name in _FIELDS}, sort_keys=True)
        metadata['imgsz'] = str([contract.size_wh[1], contract.size_wh[0]])
    return {key: value for key, value in metadata.items() if value}


def input_contract_from_metadata(metadata: Mapping[str, str], usual: InputContract
                                 ) -> InputContract:
    """
    Return how pixels become the input, as the exporter stated it or as is usual.

    :param metadata: the metadata properties of an ONNX file.
    :param usual: what holds where nothing is stated.
    :raises ModelError: if what is stated cannot be used.
    """
    text = metadata.get(INPUT_CONTRACT)
    if text is None:
        return usual
    return input_contract_from_text(text, usual.size_wh, f"the ONNX metadata '{INPUT_CONTRACT}'")


def input_contract_from_text(text: str, size_wh: tuple[int, int], source: str) -> InputContract:
    """
    Read how pixels become the input.

    :param text: a JSON object with some of the fields of `InputContract`.
    :param size_wh: width and height of the network's input in pixels.
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
        return InputContract(size_wh, **values)
    except (ValueError, TypeError, AttributeError, RecursionError, ManifestError) as error:
        raise ModelError(f'{source} cannot be used ({error}): expected JSON such as '
                         '{"color_order": "bgr", "scale": 1.0}') from error
