# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Read an ONNX file from disk, with its external data and its tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
import hashlib
from pathlib import Path

import onnx
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from edge_trt_ros.convert.graph.inputs import reads_text
from edge_trt_ros.errors import first_line, ModelError
from edge_trt_ros.files import read_file

# Maximum size of a protobuf message, and so of an ONNX file and of an engine for the CPU.
MAX_ONNX_BYTES = (1 << 31) - 1
_MAX_TOKENIZER_BYTES = 64 << 20


@dataclass(frozen=True)
class OnnxFile:
    """
    An ONNX file in memory.

    :param model: the parsed model, without the weights in external files.
    :param sha256: hash of the file, of its external data and of its tokenizer, hexadecimal.
    :param size_bytes: size of the file and of its external data.
    :param external: names of the files with external data.
    :param tokenizer: content of the `tokenizer.json` next to a network that reads texts.
    """

    model: onnx.ModelProto
    sha256: str
    size_bytes: int
    external: tuple[str, ...]
    tokenizer: str


def read_onnx(path: Path) -> OnnxFile:
    """
    Read an ONNX file and hash everything that belongs to it.

    :param path: the file.
    :raises ModelError: if the file, its external data or its tokenizer cannot be read.
    """
    data, model = _parse(path)
    digest, size = hashlib.sha256(data), len(data)
    external = tuple(sorted({ExternalDataInfo(tensor).location for tensor
                             in model.graph.initializer if uses_external_data(tensor)}))
    for name in external:
        location = (path.parent / name).resolve()
        if location.parent != path.parent.resolve():
            raise ModelError(f'{path} names weights in {name}, outside its own folder',
                             code='external_data_outside')
        try:
            content = read_file(location)
        except OSError as error:
            raise _external_data_error(path, external, error) from error
        digest.update(content)
        size += len(content)
    tokenizer = _tokenizer(path) if reads_text(model.graph) else ''
    digest.update(tokenizer.encode())
    return OnnxFile(model, digest.hexdigest(), size, external, tokenizer)


def load_external_data(file: OnnxFile, path: Path) -> None:
    """
    Load the weights of a model that stores them in external files.

    :param file: the file; its model is changed in place.
    :param path: path of the file.
    :raises ModelError: if the weights cannot be loaded.
    """
    if not file.external:
        return
    try:
        # onnx refuses locations outside the model's folder.
        onnx.load_external_data_for_model(file.model, str(path.parent))
    except Exception as error:  # each pass of onnx raises its own exception type
        raise _external_data_error(path, file.external, error) from error


def _parse(path: Path) -> tuple[bytes, onnx.ModelProto]:
    try:
        size = path.stat().st_size
        if size > MAX_ONNX_BYTES:
            raise ModelError(f'{path} has {size} bytes, at most {MAX_ONNX_BYTES} can be read',
                             code='model_too_large')
        data = read_file(path)
    except FileNotFoundError:
        raise ModelError(f'there is no ONNX file {path}: correct onnx_file_path',
                         code='model_missing') from None
    except OSError as error:
        raise ModelError(f'{path} cannot be read: {error.strerror}') from error
    if not data:
        raise ModelError(f'{path} is empty: export or copy it again', code='model_empty')
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's DecodeError has no stable import path
        raise ModelError(f'{path} is not an ONNX file: {first_line(error)}',
                         code='not_onnx') from error
    if not model.graph.node:
        raise ModelError(f'{path} is not an ONNX file, or holds no network', code='not_onnx')
    return data, model


def _tokenizer(path: Path) -> str:
    """Return the tokenizer next to the ONNX of a network that reads texts."""
    file = path.with_name('tokenizer.json')
    try:
        return read_file(file, _MAX_TOKENIZER_BYTES).decode('utf-8')
    except FileNotFoundError:
        problem = 'is missing'
    except OSError as error:
        problem = f'cannot be read: {error.strerror}'
    except ValueError as error:
        problem = f'cannot be read ({first_line(error)})'
    raise ModelError(f'{path} reads texts, and {file} {problem}: copy the tokenizer that the '
                     'network was trained with there', code='tokenizer_missing')


def _external_data_error(path: Path, external: tuple[str, ...], error: Exception) -> ModelError:
    return ModelError(f"{path} keeps its weights in {', '.join(external)}, which cannot be read "
                      f'({first_line(error)}): copy it next to the ONNX file, or export with the '
                      'weights inside', code='external_data_missing')
