# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reads a tensor contract from a YAML file."""

from __future__ import annotations

from pathlib import Path

import yaml

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.files import read_file
from edge_trt_ros.tensor_contract_text import contract_from_values, contract_text

_MAX_BYTES = 16 << 20


def contract_from_file(path: str) -> str:
    """
    Read a contract; an empty path returns an empty text.

    :param path: the YAML file.
    :returns: the contract as JSON text.
    :raises ConfigurationError: if the file cannot be read, or is no contract.
    """
    if not path:
        return ''
    try:
        values = yaml.safe_load(read_file(Path(path).expanduser(), _MAX_BYTES).decode('utf-8'))
    except OSError as error:
        raise ConfigurationError(f'the tensor contract {path} cannot be read: {error.strerror}',
                                 code='contract_invalid') from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        problem = ' '.join(str(error).split())
        raise ConfigurationError(f'the tensor contract {path} is not YAML: {problem}',
                                 code='contract_invalid') from error
    try:
        return contract_text(contract_from_values(values))
    except ConfigurationError as error:
        raise ConfigurationError(f'{path}: {error}', code=error.code) from error
