# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reads a tensor contract from plain values or JSON, checks it, and writes it as JSON."""

from __future__ import annotations

from collections.abc import Mapping
import json
import math
import re
from typing import Any

import numpy as np

from edge_trt_ros.errors import ConfigurationError, ManifestError, ModelError
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.tensor_contract import ContractTensor, TensorContract
from edge_trt_ros.tensor_spec import check_size_bytes, TensorSpec

_DTYPES = ('float32', 'float16', 'uint8', 'int8', 'int32', 'int64', 'bool')
_SOURCES = ('topic', 'image', 'value', 'from_output')
_INPUT_FIELDS = ('shape', 'dtype', 'unit', 'range', 'max_age_ms', 'initial', *_SOURCES)
_OUTPUT_FIELDS = ('shape', 'dtype', 'unit')
_IMAGE_FIELDS = ('color_order', 'scale', 'mean', 'std', 'pad_value', 'fit', 'crop_fraction',
                 'resize')
_TOPIC = re.compile(r'[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*')
_MAX_TENSORS = 64


def contract_from_text(text: str) -> TensorContract:
    """
    Read a contract from JSON (see `contract_from_values`).

    :raises ConfigurationError: if it is invalid.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid(f'it is not JSON ({error})') from error
    return contract_from_values(values)


def contract_from_values(values: Any) -> TensorContract:
    """
    Read a contract.

    :param values: `inputs` and `outputs`, each with the fields of a tensor by its name.
    :raises ConfigurationError: names the tensor, the field and what is expected.
    """
    if not isinstance(values, Mapping) or set(values) != {'inputs', 'outputs'} or not all(
            isinstance(part, Mapping) and 1 <= len(part) <= _MAX_TENSORS
            for part in values.values()):
        raise _invalid('expected inputs and outputs, each with at least one tensor by its name')
    contract = TensorContract(
        tuple(_tensor(str(name), stated, _INPUT_FIELDS)
              for name, stated in values['inputs'].items()),
        tuple(_tensor(str(name), stated, _OUTPUT_FIELDS)
              for name, stated in values['outputs'].items()))
    _check_sources(contract)
    return contract


def _tensor(name: str, stated: Any, known: tuple[str, ...]) -> ContractTensor:
    if not isinstance(stated, Mapping) or not {'shape', 'dtype'} <= set(stated) <= set(known):
        raise _invalid(f"the tensor '{name}' has the fields {_fields(stated)}, expected shape and "
                       f"dtype, and of {', '.join(known[2:])} those that apply")
    sources = [source for source in _SOURCES if source in stated]
    if len(sources) > 1:
        raise _invalid(f"the input '{name}' has {' and '.join(sources)}, expected one of "
                       f"{', '.join(_SOURCES)}")
    try:
        return _read(name, stated, sources[0] if sources else '', 'topic' in known)
    except (TypeError, ValueError, ArithmeticError, ModelError, ManifestError) as error:
        raise _invalid(f"the tensor '{name}' is {dict(stated)} ({error})") from error


def _read(name: str, stated: Mapping[str, Any], source: str, is_input: bool) -> ContractTensor:
    dtype, shape = stated['dtype'], tuple(_whole(length) for length in stated['shape'])
    if dtype not in _DTYPES or min(shape, default=1) < 1:
        raise ValueError(f"dtype is one of {', '.join(_DTYPES)}, and lengths are 1 or more")
    spec = TensorSpec(name, dtype, shape)
    check_size_bytes(spec)
    topic = str(stated.get('topic', f'tensors_in/{name}')) \
        if is_input and source in ('', 'topic') else ''
    if topic and not _TOPIC.fullmatch(topic):
        raise ValueError(f"'{topic}' is no relative name of a topic: state one with topic")
    default = (-1.0, 1.0) if dtype.startswith('float') else (0.0, 1.0)
    low, high = (_number(value) for value in stated.get('range', default))
    age_ms = _number(stated.get('max_age_ms', 0.0))
    if not low < high or age_ms < 0:
        raise ValueError('range is a smaller and a larger number, and max_age_ms 0 or more')
    return ContractTensor(
        spec, str(stated.get('unit', '')), topic, age_ms, (low, high),
        _image(spec, stated['image']) if source == 'image' else None,
        _values(stated['value'], spec) if source == 'value' else (),
        str(stated['from_output']) if source == 'from_output' else '',
        _values(stated.get('initial', 0.0), spec))


def _image(spec: TensorSpec, stated: Any) -> ImageInput:
    if len(spec.shape) != 4 or spec.shape[:2] != (1, 3) or not spec.dtype.startswith('float'):
        raise ValueError('a picture has the shape [1, 3, height, width] and floats')
    fields = {str(key): value for key, value in dict(stated or {}).items()}
    if not set(fields) <= set(_IMAGE_FIELDS):
        raise ValueError(f"the fields of image are {', '.join(_IMAGE_FIELDS)}")
    values: dict[str, Any] = {key: tuple(map(float, value)) if key in ('mean', 'std') else value
                              for key, value in fields.items()}
    return ImageInput((spec.shape[3], spec.shape[2]), tensor=spec.name, **values)


def _values(stated: Any, spec: TensorSpec) -> tuple[float, ...]:
    values = np.asarray(stated, np.float64)
    if values.ndim and values.shape != spec.shape:
        raise ValueError(f'{list(values.shape)} values are given, expected one, or those of the '
                         'shape')
    if not np.isfinite(values).all() or not np.array_equal(
            values.astype(spec.dtype).astype(np.float64), values) \
            and not spec.dtype.startswith('float'):
        raise ValueError(f'the values are no finite numbers of {spec.dtype}')
    return tuple(values.ravel().tolist())


def _check_sources(contract: TensorContract) -> None:
    outputs = {tensor.spec.name: tensor.spec for tensor in contract.outputs}
    for state in contract.states:
        made = outputs.get(state.from_output)
        if made is None:
            raise _invalid(f"the state '{state.spec.name}' comes from the output "
                           f"'{state.from_output}', expected one of {', '.join(outputs)}")
        if (made.shape, made.dtype) != (state.spec.shape, state.spec.dtype):
            raise ConfigurationError(
                f'the state {state.spec} comes from the output {made}: a state keeps its shape '
                'and dtype, so export the network again or correct the contract',
                code='contract_state')
    if sum(tensor.image is not None for tensor in contract.inputs) > 1:
        raise _invalid('it has two pictures, expected at most one')
    topics = [tensor.topic for tensor in contract.inputs if tensor.topic]
    fed = [state.from_output for state in contract.states]
    for twice in (topics, fed):
        if len(set(twice)) != len(twice):
            raise _invalid(f"{', '.join(twice)} are used by two inputs, expected one for each")
    if not contract.received:
        raise _invalid('no input comes from a topic, so that nothing would start a run')
    if len(outputs) == len(contract.states):
        raise _invalid('each output is a state, so that nothing would be published')


def contract_text(contract: TensorContract) -> str:
    """Return a contract as JSON text; the order of the tensors stays."""
    return json.dumps({
        'inputs': {tensor.spec.name: _plain(tensor) for tensor in contract.inputs},
        'outputs': {tensor.spec.name: _plain_output(tensor) for tensor in contract.outputs}})


def _plain(tensor: ContractTensor) -> dict[str, Any]:
    stated: dict[str, Any] = {**_plain_output(tensor)}
    if tensor.topic:
        stated |= {'topic': tensor.topic, 'range': list(tensor.value_range),
                   'max_age_ms': tensor.max_age_ms}
    elif tensor.image:
        stated['image'] = {key: getattr(tensor.image, key) for key in _IMAGE_FIELDS}
    elif tensor.value:
        stated['value'] = _nested(tensor.value, tensor.spec)
    else:
        stated |= {'from_output': tensor.from_output,
                   'initial': _nested(tensor.initial, tensor.spec)}
    return stated


def _plain_output(tensor: ContractTensor) -> dict[str, Any]:
    return {'shape': list(tensor.spec.shape), 'dtype': tensor.spec.dtype,
            **({'unit': tensor.unit} if tensor.unit else {})}


def _nested(values: tuple[float, ...], spec: TensorSpec) -> Any:
    return values[0] if len(values) == 1 else np.reshape(values, spec.shape).tolist()


def _whole(length: Any) -> int:
    if not isinstance(length, int) or isinstance(length, bool):
        raise ValueError(f'{length!r} is no length: expected whole numbers')
    return length


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f'{value!r} is no number')
    return float(value)


def _fields(stated: Any) -> str:
    return ', '.join(map(str, stated)) if isinstance(stated, Mapping) and stated else 'none'


def _invalid(problem: str) -> ConfigurationError:
    return ConfigurationError(f'the tensor contract cannot be used: {problem}',
                              code='contract_invalid')
