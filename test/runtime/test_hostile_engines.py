# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An engine for the CPU reads no other file, and an ONNX file none outside of its folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
from onnx import TensorProto
import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.graph.session import open_session
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EngineError, ModelError
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.runtime.select import open_engine

PLACES = ('secret.bin', '../folder/secret.bin', '{folder}/secret.bin')


def with_weights_in(model: onnx.ModelProto, location: str) -> onnx.ModelProto:
    """Let the largest weight of a model be in another file."""
    weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    size = len(weight.raw_data)
    weight.ClearField('raw_data')
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (('location', location), ('offset', '0'), ('length', str(size))):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    return model


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, which contains a secret."""
    folder = tmp_path / 'folder'
    folder.mkdir()
    (folder / 'secret.bin').write_bytes(b'secret' * 10000)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize('place', PLACES)
def test_an_engine_that_names_another_file_is_refused(folder: Path, tmp_path: Path, place: str
                                                      ) -> None:
    path = tmp_path / 'm.engine'
    build_engine(save(dense_model(), tmp_path / 'm.onnx'), path,
                 BuildOptions(backend='onnxruntime'))
    engine, manifest = read_engine(path)
    hostile = with_weights_in(onnx.load_from_string(engine), place.format(folder=folder)
                              ).SerializeToString()
    changed = replace(manifest, engine_sha256=sha256_hex(hostile), engine_size_bytes=len(hostile))
    with pytest.raises(EngineError, match='cannot load this engine'):
        open_engine(hostile, changed)


@pytest.mark.parametrize('place', PLACES)
def test_the_reference_of_a_build_reads_no_other_file(folder: Path, place: str) -> None:
    with pytest.raises(ModelError):
        open_session(with_weights_in(dense_model(), place.format(folder=folder)))
