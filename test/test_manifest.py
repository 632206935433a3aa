# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Manifests: round trip, and rejection with the name of the invalid field."""

from __future__ import annotations

from dataclasses import fields, replace
import json
from pathlib import Path
from typing import Any

import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.engine_file import next_manifest_path, read_engine
from edge_trt_ros.errors import EngineError, ManifestError, ModelError
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.manifest import EngineManifest, manifest_path
from edge_trt_ros.manifest_json import manifest_from_json
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.tensor_spec import TensorSpec


@pytest.fixture(scope='module')
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EngineManifest]:
    folder = tmp_path_factory.mktemp('engine')
    engine = folder / 'tiny.engine'
    manifest, _ = build_engine(save(dense_model(), folder / 'tiny.onnx'), engine,
                               BuildOptions())
    return engine, manifest


def test_manifest_round_trip(built: tuple[Path, EngineManifest]) -> None:
    engine, manifest = built
    assert manifest_from_json(manifest.to_json(), 'here') == manifest
    assert read_engine(engine)[1] == manifest


def test_every_field_is_required(built: tuple[Path, EngineManifest]) -> None:
    raw = json.loads(built[1].to_json())
    for field in fields(EngineManifest):
        if field.name == 'decoding':  # only for heads that are decoded on the host
            continue
        lacking = {name: value for name, value in raw.items() if name != field.name}
        with pytest.raises(ManifestError, match=field.name):
            manifest_from_json(json.dumps(lacking), 'here')


@pytest.mark.parametrize('text, match', [
    ('', 'not JSON'),
    ('[' * 100000, 'not JSON'),
    ('[]', 'schema_version is None'),
    ('{"schema_version": "1"}', "schema_version is '1'"),
    ('{"schema_version": 3}', 'schema_version 3.*reads up to 2'),
    ('{"schema_version": 2}', 'lacks'),
    ('{"schema_version": 1}', 'lacks.*input_contract'),
])
def test_invalid_json_and_schema_are_rejected(text: str, match: str) -> None:
    with pytest.raises(ManifestError, match=match):
        manifest_from_json(text, 'here')


@pytest.mark.parametrize('change', [
    {'engine_sha256': 5}, {'engine_size_bytes': 'many'}, {'inputs': 3}, {'inputs': [{}]},
    {'outputs': [{'name': 'a', 'dtype': 'complex64', 'shape': [1]}]}, {'labels': None},
    {'input_kinds': [{'kind': 'image', 'size_wh': [64]}]}, {'input_kinds': 5},
    {'input_kinds': [{'kind': 'image', 'size_wh': [64, 64], 'what': 1}]},
    {'input_kinds': [{'kind': 'smell'}]}, {'plan': 'fast'}, {'plan': {'options': 3}},
    {'input_kinds': [{'kind': 'image', 'size_wh': [64, 64], 'std': [0, 0, 0]}]},
])
def test_malformed_fields_are_rejected(built: tuple[Path, EngineManifest],
                                       change: dict[str, object]) -> None:
    raw = json.loads(built[1].to_json()) | change
    with pytest.raises(ManifestError, match='here is malformed|rebuild'):
        manifest_from_json(json.dumps(raw), 'here')


def test_manifest_must_describe_the_engine(
        built: tuple[Path, EngineManifest], tmp_path: Path) -> None:
    data, text = built[0].read_bytes(), manifest_path(built[0]).read_text()
    engine = tmp_path / 'a.engine'
    with pytest.raises(EngineError, match='no engine file'):
        read_engine(engine)
    engine.write_bytes(b'')
    with pytest.raises(EngineError, match='is empty'):
        read_engine(engine)
    engine.write_bytes(data)
    with pytest.raises(ManifestError, match='has no manifest'):
        read_engine(engine)
    manifest_path(engine).write_text(text)
    assert read_engine(engine)[0] == data
    engine.write_bytes(data[:-1])
    with pytest.raises(ManifestError, match='truncated'):
        read_engine(engine)
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    engine.write_bytes(bytes(flipped))
    with pytest.raises(ManifestError, match='damaged'):
        read_engine(engine)
    manifest_path(engine).write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ManifestError, match='UTF-8'):
        read_engine(engine)
    manifest_path(engine).unlink()
    manifest_path(engine).mkdir()
    engine.write_bytes(data)
    with pytest.raises(ManifestError, match='it is a folder'):
        read_engine(engine)


def test_interrupted_installation_is_consistent(
        built: tuple[Path, EngineManifest], tmp_path: Path) -> None:
    engine = tmp_path / 'a.engine'
    old, new = b'old engine', built[0].read_bytes()
    old_manifest = replace(built[1], engine_size_bytes=len(old), engine_sha256=sha256_hex(old))
    manifest_path(engine).write_text(old_manifest.to_json())
    next_manifest_path(engine).write_text(built[1].to_json())
    engine.write_bytes(old)  # interrupted before the engine was replaced
    assert read_engine(engine)[1] == old_manifest
    engine.write_bytes(new)  # interrupted after it
    assert read_engine(engine)[1] == built[1]


@pytest.mark.parametrize('fields', [
    {'size_wh': (0, 4)}, {'size_wh': (4, 4), 'color_order': 'gray'},
    {'size_wh': (4, 4), 'pad_value': 256}, {'size_wh': (10 ** 9, 4)},
    {'size_wh': (4, 4), 'scale': float('nan')}])
def test_invalid_image_inputs_are_rejected(fields: dict[str, object]) -> None:
    with pytest.raises(ManifestError, match='rebuild'):
        ImageInput(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize('dtype, shape', [('complex64', (1,)), ('float32', (0,)),
                                          ('float32', (-2,))])
def test_invalid_tensor_specs_are_rejected(dtype: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="tensor 'x'"):
        TensorSpec('x', dtype, shape)


@pytest.mark.parametrize('fields, text', [
    ({}, 'rgb image, values 0 to 1, padded with 114'),
    ({'scale': 1.0, 'color_order': 'bgr', 'pad_value': 0},
     'bgr image, values 0 to 255, padded with 0'),
    ({'mean': (0.5, 0.5, 0.5), 'std': (0.2, 0.2, 0.2)},
     'rgb image, values 0 to 1, minus [0.5, 0.5, 0.5], divided by [0.2, 0.2, 0.2], padded with '
     '114')])
def test_an_image_input_says_what_happens_to_pixels(fields: dict[str, Any], text: str) -> None:
    assert str(ImageInput((64, 64), **fields)) == text
