# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Class names from the ONNX metadata and from the user."""

from __future__ import annotations

import ast
from collections.abc import Mapping
import json
from typing import Any

from edge_trt_ros.errors import ModelError


def trusted_labels(metadata: Mapping[str, str], given: tuple[str, ...]) -> tuple[str, ...]:
    """
    Return the labels in the metadata, or the user's labels if the metadata has none.

    :param metadata: metadata of the ONNX.
    :param given: labels from the user.
    :raises ModelError: if both exist and differ.
    """
    own = labels_from_metadata(metadata)
    if own and given and own != given:
        where = next((index for index, (own_label, given_label) in enumerate(zip(own, given))
                      if own_label != given_label), min(len(own), len(given)))
        raise ModelError(
            f'{len(given)} labels are given, but the ONNX names {len(own)} itself, and they '
            f'differ from class {where} on ({own[where:where + 1]} against '
            f'{given[where:where + 1]}): omit the labels, or export with the correct labels',
            code='labels_mismatch')
    return own or given


def labels_from_metadata(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """
    Return the class names in the metadata property `names`, a dict or list, else ().

    :param metadata: metadata of the ONNX.
    :raises ModelError: if the property cannot be read.
    """
    text = metadata.get('names', '')
    if not text:
        return ()
    try:
        names = _parsed(text)
        if isinstance(names, list):
            names = dict(enumerate(names))
        if sorted(names) != list(range(len(names))):
            raise ValueError('its keys are not 0, 1, 2, ...')
        return tuple(str(names[index]) for index in range(len(names)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ModelError(f"the ONNX metadata 'names' cannot be read ({error}): expected "
                         "{0: 'person', 1: 'car', ...}; export it again") from error


def _parsed(text: str) -> Any:
    """Return the value of a JSON or Python text; JSON turns the keys of a dict into strings."""
    try:
        names = json.loads(text)
    except ValueError:
        return ast.literal_eval(text)
    return {int(key): name for key, name in names.items()} if isinstance(names, dict) else names
