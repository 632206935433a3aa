# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Reads manifests: schema 2, and schema 1 of version 0.1.0.

Schema 1 had a single input, described as an image (`input_contract`, with the layout 'tokens' for
texts). It named the head `source_head` and the decoder `head`, and stored the build options and
the hash of the calibration images in `recipe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
import json
from typing import Any

from edge_trt_ros.errors import ConfigurationError, ManifestError, ModelError
from edge_trt_ros.manifest import EngineManifest, REBUILD, SCHEMA_VERSION
from edge_trt_ros.network_input import input_from_dict
from edge_trt_ros.tensor_spec import TensorSpec

_TEXTS = ('engine_sha256', 'onnx_sha256', 'plan_key', 'backend', 'backend_version', 'platform',
          'head', 'decoder', 'task', 'built_at')
_MAPPINGS = ('plan', 'target', 'layers', 'verification', 'decoding')
_OPTIONAL = ('decoding',)
# Decoders of engines to which version 0.1.0 had appended the head.
_APPENDED_IN_1 = ('candidates', 'candidates_final', 'classify', 'semantic', 'segment', 'keypoints',
                  'oriented', 'tensors')
# Version 0.1.0 assigned the outputs of adopted engines by their number of dimensions.
_DIMENSIONS_IN_1 = {'yolo_segment': {'anchors': 3, 'prototypes': 4}}
# Required fields of schema 1 that are not in schema 2, and the reverse.
_ONLY_IN_1 = ('source_onnx_sha256', 'recipe', 'cache_key', 'input_contract', 'source_head')
_NOT_IN_1 = ('onnx_sha256', 'plan', 'plan_key', 'input_kinds', 'decoder', 'decoding')


def manifest_from_json(text: str, origin: str) -> EngineManifest:
    """
    Read a manifest.

    :param text: the JSON text.
    :param origin: file of the text, for the message.
    :raises ManifestError: names the field, its value and the expected value.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f'{origin} is not JSON ({error}); {REBUILD}') from error
    version = raw.get('schema_version') if isinstance(raw, dict) else None
    if not isinstance(version, int) or version < 1:
        raise ManifestError(f'{origin} is not a manifest: schema_version is {version!r}, '
                            f'expected {SCHEMA_VERSION}; {REBUILD}')
    if version > SCHEMA_VERSION:
        raise ManifestError(
            f'{origin} has schema_version {version}, this installation reads up to '
            f'{SCHEMA_VERSION}: update edge_trt_ros, or {REBUILD}')
    needed = [field.name for field in fields(EngineManifest) if field.name not in _OPTIONAL]
    if version == 1:
        needed = [name for name in needed if name not in _NOT_IN_1] + list(_ONLY_IN_1)
    missing = [name for name in needed if name not in raw]
    if missing:
        raise ManifestError(f"{origin} lacks {', '.join(missing)}; {REBUILD}")
    try:
        return _from_fields(_upgraded(raw) if version == 1 else raw)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError,
            ModelError) as error:
        raise ManifestError(f'{origin} is malformed ({error}); {REBUILD}') from error
    except (ManifestError, ConfigurationError) as error:
        raise ManifestError(f'{origin}: {error}') from error


def _from_fields(raw: Mapping[str, Any]) -> EngineManifest:
    known = {field.name for field in fields(EngineManifest)}
    values = {name: value for name, value in raw.items() if name in known}
    for name in _TEXTS:
        if not isinstance(values[name], str):
            raise TypeError(f'{name} is {values[name]!r}, expected text')
    if not isinstance(values['engine_size_bytes'], int):
        raise TypeError(f"engine_size_bytes is {values['engine_size_bytes']!r}, expected a number")
    for name in _MAPPINGS:
        values[name] = dict(values.get(name, {}))
    if not isinstance(values['plan'].get('options', {}), dict):
        raise TypeError(f"the plan's options are {values['plan']['options']!r}, expected names "
                        'and values')
    for name in ('inputs', 'outputs'):
        values[name] = tuple(
            TensorSpec(str(spec['name']), str(spec['dtype']), tuple(map(int, spec['shape'])))
            for spec in values[name])
    values['input_kinds'] = tuple(map(input_from_dict, values['input_kinds']))
    values['labels'] = tuple(map(str, values['labels']))
    values['build_seconds'] = float(values['build_seconds'])
    return EngineManifest(**{**values, 'schema_version': SCHEMA_VERSION})


def _upgraded(old: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the fields of schema 1 to schema 2."""
    options = dict(old['recipe'])
    calibration_sha256 = options.pop('calibration_sha256', '')
    target = dict(old['target'])
    device = f"{target.get('gpu', '')} {', '.join(target.get('compute_capabilities', []))}".strip()
    return {
        **old, 'onnx_sha256': old['source_onnx_sha256'], 'plan_key': old['cache_key'],
        'plan': {'onnx_sha256': old['source_onnx_sha256'], 'options': options,
                 'calibration_sha256': calibration_sha256, 'backend': old['backend'],
                 'backend_version': old['backend_version'],
                 'device': device if target.get('gpu') else ''},
        'head': old['source_head'], 'decoder': old['head'],
        'decoding': _decoding_of_1(old),
        'input_kinds': [_input_of_1(old['input_contract'], old)]}


def _decoding_of_1(old: Mapping[str, Any]) -> dict[str, Any]:
    if old['head'] in _APPENDED_IN_1:
        return {}
    by_dimensions = {len(output['shape']): str(output['name']) for output in old['outputs']}
    roles = {role: by_dimensions[count]
             for role, count in _DIMENSIONS_IN_1.get(old['head'], {}).items()}
    return {'roles': roles, 'options': {}}


def _input_of_1(contract: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(contract)
    tensor = str(old['inputs'][0]['name'])
    if values.pop('layout', 'nchw') != 'tokens':
        return {'kind': 'image', 'tensor': tensor, **values}
    return {'kind': 'text', 'length': int(values['size_wh'][0]), 'parts': {tensor: 'stacked'},
            'tokenizer': str(old.get('tokenizer', ''))}
