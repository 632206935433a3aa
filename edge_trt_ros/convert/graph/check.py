"""An ONNX file from disk, checked: structure, shapes, one image input, nothing external."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from edge_trt_ros.convert.graph.adapt import adapt_graph, forget_open_shapes, reads_text
from edge_trt_ros.convert.graph.edit import all_nodes
from edge_trt_ros.errors import ModelError
from edge_trt_ros.manifest import TOKENS
from edge_trt_ros.tensor_spec import TensorSpec

# protobuf cannot hold more in one message, and so neither can an engine for the CPU.
_MAX_TOKENIZER_BYTES = 64 << 20
MAX_ONNX_BYTES = (1 << 31) - 1
_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16,
           onnx.TensorProto.DOUBLE)
# What ONNX Runtime runs.
_KNOWN_DOMAINS = ('', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft')
_DTYPE_NAMES = {
    onnx.TensorProto.FLOAT: 'float32', onnx.TensorProto.FLOAT16: 'float16',
    onnx.TensorProto.BFLOAT16: 'bfloat16', onnx.TensorProto.UINT8: 'uint8',
    onnx.TensorProto.INT8: 'int8', onnx.TensorProto.INT32: 'int32',
    onnx.TensorProto.INT64: 'int64', onnx.TensorProto.BOOL: 'bool',
}


@dataclass(frozen=True)
class CheckedOnnx:
    """
    A model that passed the checks.

    :param model: the model; whoever rewrites it copies it first.
    :param sha256: hash of the file and of its external data, hexadecimal.
    :param image_input: the one input, [1, 3, height, width]; of texts int32 [1, 3, 1, length].
    :param outputs: the outputs.
    :param metadata: the metadata properties of the file.
    :param adapted: what `adapt_graph` changed.
    :param tokenizer: of a network that reads texts: the `tokenizer.json` beside the file.
    """

    model: onnx.ModelProto
    sha256: str
    image_input: TensorSpec
    outputs: tuple[TensorSpec, ...]
    metadata: Mapping[str, str]
    adapted: tuple[str, ...] = ()
    tokenizer: str = ''


def check_onnx(path: Path, input_shape: tuple[int, ...] = ()) -> CheckedOnnx:
    """
    Read and check an ONNX file.

    :param path: the file.
    :param input_shape: what to fix open dimensions of the input to; empty for none.
    :raises ModelError: saying what is wrong with the file and how to mend it.
    """
    model, sha256 = _load(path)
    adapted = adapt_graph(model)
    image_input = _image_input(model, path)
    if (len(input_shape) == 2) != (TOKENS in adapted) and input_shape:
        raise ModelError(f'{path} takes {image_input}, which input_shape {list(input_shape)} does '
                         'not fit: expected 1, 3, height and width of an image, or 1 and the '
                         'length of a text')
    if len(input_shape) == 2:
        input_shape = (input_shape[0], 3, 1, input_shape[1])
    if not input_shape and image_input.shape[0] == -1 and -1 not in image_input.shape[1:]:
        input_shape = (1, *image_input.shape[1:])  # one image at a time, as the nodes take them
    if input_shape or -1 in image_input.shape:
        _fix_input_shape(model, image_input, input_shape, path)
    try:
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # onnx raises a type of its own for each of its passes
        raise ModelError(f'{path} is not a valid ONNX model: {_first_line(error)}; '
                         'export it again') from error
    # Not the inner shapes: with them ONNX Runtime 1.32 takes a torchvision RetinaNet for one that
    # always sees something, and fails where it does not.
    del model.graph.output[:]
    model.graph.output.extend(inferred.graph.output)
    _check_weights(model, path)
    _check_operators(model, path)
    return CheckedOnnx(
        model, sha256, _image_input(model, path),
        tuple(_tensor_spec(output, path) for output in model.graph.output),
        {entry.key: entry.value for entry in model.metadata_props}, adapted,
        _tokenizer(path) if TOKENS in adapted else '')


def onnx_sha256(path: Path) -> str:
    """
    Return the hash of an ONNX file and of the external data it names, hexadecimal.

    :raises ModelError: if the file or its external data cannot be read.
    """
    return _read(path)[1]


def onnx_size_bytes(path: Path) -> int:
    """
    Return the size of an ONNX file and of the external data it names.

    :raises ModelError: if the file cannot be read.
    :raises OSError: if its external data cannot be.
    """
    data, model = _parse(path)
    return len(data) + sum((path.parent / name).stat().st_size for name in _external_files(model))


def _load(path: Path) -> tuple[onnx.ModelProto, str]:
    model, sha256, external = _read(path)
    if external:
        try:
            # onnx refuses locations that leave the model's own folder.
            onnx.load_external_data_for_model(model, str(path.parent))
        except Exception as error:  # onnx raises a type of its own for each of its passes
            raise _external_data_error(path, external, error) from error
    return model, sha256


def _parse(path: Path) -> tuple[bytes, onnx.ModelProto]:
    try:
        size = path.stat().st_size
        if size > MAX_ONNX_BYTES:
            raise ModelError(f'{path} has {size} bytes, at most {MAX_ONNX_BYTES} can be read',
                             code='model_too_large')
        data = path.read_bytes()
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
        raise ModelError(f'{path} is not an ONNX file: {_first_line(error)}',
                         code='not_onnx') from error
    if not model.graph.node:
        raise ModelError(f'{path} is not an ONNX file, or holds no network', code='not_onnx')
    return data, model


def _read(path: Path) -> tuple[onnx.ModelProto, str, list[str]]:
    data, model = _parse(path)
    digest = hashlib.sha256(data)
    external = _external_files(model)
    for name in external:
        location = (path.parent / name).resolve()
        try:
            if location.parent != path.parent.resolve():
                raise ModelError(f'{path} names weights in {name}, outside its own folder',
                                 code='external_data_outside')
            digest.update(location.read_bytes())
        except OSError as error:
            raise _external_data_error(path, external, error) from error
    if reads_text(model.graph):
        digest.update(_tokenizer(path).encode())
    return model, digest.hexdigest(), external


def _tokenizer(path: Path) -> str:
    """Return the tokenizer beside the ONNX of a network that reads texts."""
    beside = path.with_name('tokenizer.json')
    try:
        if beside.stat().st_size <= _MAX_TOKENIZER_BYTES:
            return beside.read_text(encoding='utf-8')
        problem = f'has more than {_MAX_TOKENIZER_BYTES} bytes'
    except FileNotFoundError:
        problem = 'is missing'
    except (OSError, ValueError) as error:
        problem = f'cannot be read ({_first_line(error)})'
    raise ModelError(f'{path} reads texts, and {beside} {problem}: copy the one of its training '
                     'there', code='tokenizer_missing')


def _external_files(model: onnx.ModelProto) -> list[str]:
    return sorted({ExternalDataInfo(tensor).location
                   for tensor in model.graph.initializer if uses_external_data(tensor)})


def _check_weights(model: onnx.ModelProto, path: Path) -> None:
    constants = [(tensor.name, tensor) for tensor in model.graph.initializer]
    constants += [(node.output[0], attribute.t) for node in model.graph.node
                  if node.op_type == 'Constant' for attribute in node.attribute
                  if attribute.name == 'value']
    for name, tensor in constants:
        if tensor.data_type not in _FLOATS:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        # An infinity may be meant, as the bound of a clip or a mask.
        if np.isnan(values).any():
            raise ModelError(f"{path}: the weight '{name}' holds {int(np.isnan(values).sum())} "
                             f'NaN of {values.size} numbers: the training went wrong, or the file '
                             'is damaged', code='weights_nan')


def _check_operators(model: onnx.ModelProto, path: Path) -> None:
    plugins = sorted({f'{node.op_type} of {node.domain}' for node in all_nodes(model.graph)
                      if node.domain not in _KNOWN_DOMAINS})
    if plugins:
        raise ModelError(f"{path} takes custom plugins ({', '.join(plugins)}), which ONNX Runtime "
                         'does not have to check the engine against: export it without them',
                         code='operator_unsupported')


def _external_data_error(path: Path, external: list[str], error: Exception) -> ModelError:
    return ModelError(f"{path} keeps its weights in {', '.join(external)}, which cannot be read "
                      f'({_first_line(error)}): copy it beside the ONNX file, or export with the '
                      'weights inside', code='external_data_missing')


def _image_input(model: onnx.ModelProto, path: Path) -> TensorSpec:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in weights]
    specs = [_tensor_spec(one, path) for one in inputs]
    if len(specs) == 1 and len(specs[0].shape) == 4 and specs[0].shape[1] in (3, -1) \
            and specs[0].shape[0] in (1, -1):
        return specs[0]
    raise ModelError(f'{path} has the inputs [{"; ".join(map(str, specs))}], expected one image '
                     'of shape [1, 3, height, width]')


def _tensor_spec(value: onnx.ValueInfoProto, path: Path) -> TensorSpec:
    tensor = value.type.tensor_type
    dtype = _DTYPE_NAMES.get(tensor.elem_type)
    if dtype is None:
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type)
        raise ModelError(f"{path}: tensor '{value.name}' has type {kind}, supported are "
                         f"{', '.join(_DTYPE_NAMES.values())}")
    shape = tuple(dim.dim_value if dim.HasField('dim_value') and dim.dim_value > 0 else -1
                  for dim in tensor.shape.dim)
    return TensorSpec(value.name, dtype, shape)


def _fix_input_shape(model: onnx.ModelProto, image_input: TensorSpec,
                     wanted: tuple[int, ...], path: Path) -> None:
    if not wanted:
        raise ModelError(f'{path} leaves dimensions of its input open ({image_input}): '
                         'set input_shape, for example 1x3x640x640, or 1x128 for texts')
    if any(have not in (-1, want) for have, want in zip(image_input.shape, wanted)):
        raise ModelError(f'{path} takes {image_input}, which input_shape {list(wanted)} does not '
                         'fit: correct input_shape or export with dynamic axes')
    for value in model.graph.input:
        if value.name == image_input.name:
            for dim, length in zip(value.type.tensor_type.shape.dim, wanted):
                dim.dim_value = length
    forget_open_shapes(model.graph)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
