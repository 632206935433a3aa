# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Read class names from a text file, or from the `names` of an Ultralytics YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.files import read_file

_YAML_SUFFIXES = ('.yaml', '.yml')
_MAX_BYTES = 64 << 20


def labels_from_file(path: str) -> tuple[str, ...]:
    """
    Read class names, ordered by class index; an empty path returns none.

    :param path: a text file with a label on each line, or a YAML file with `names`: a list or
        a mapping of 0, 1, 2, ... to labels.
    :raises ConfigurationError: if the file cannot be read, or does not name every class.
    """
    if not path:
        return ()
    file = Path(path).expanduser()
    try:
        text = read_file(file, _MAX_BYTES).decode('utf-8')
        names = _names(yaml.safe_load(text)) if file.suffix.lower() in _YAML_SUFFIXES \
            else text.rstrip().splitlines()
    except OSError as error:
        raise ConfigurationError(
            f'labels_file_path {path} cannot be read: {error.strerror}') from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise ConfigurationError(
            f"labels_file_path {path} cannot be read: {' '.join(str(error).split())}") from error
    labels = tuple(str(name).strip() for name in names)
    if not labels or not all(labels):
        raise ConfigurationError(f'{path} holds no labels, or an empty label between them')
    return labels


def _names(document: Any) -> list[Any]:
    names = document.get('names') if isinstance(document, dict) else document
    if isinstance(names, dict) and set(names) == set(range(len(names))):
        names = [names[index] for index in range(len(names))]
    return names if isinstance(names, list) else []
