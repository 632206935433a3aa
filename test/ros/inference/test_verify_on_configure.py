# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An engine that has not run where it was built is verified once on the robot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
from onnx import numpy_helper
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from support.gpu import built, GPU_MARKS
from support.graph import Graph
from support.models import dense_model

from edge_trt_ros.convert import verify_installed
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.runtime.verified_here import known_here
from edge_trt_ros.verification import ENGINE_RAN, sentence

FAILURE, SUCCESS = TransitionCallbackReturn.FAILURE, TransitionCallbackReturn.SUCCESS


@pytest.fixture()
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'edge_trt_ros'


@pytest.fixture()
def foreign(engine: Path, cache: Path) -> Path:
    """Return an engine whose manifest says that it has not run where it was built."""
    _write(engine, engine.read_bytes())
    return engine


@pytest.fixture()
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list to which each comparison with an ONNX file adds its path."""
    compared: list[Path] = []
    check = verify_installed.check_onnx

    def counted(path: Path, *arguments: Any) -> Any:
        compared.append(path)
        return check(path, *arguments)
    monkeypatch.setattr(verify_installed, 'check_onnx', counted)
    return compared


def _write(engine: Path, data: bytes) -> None:
    manifest = read_engine(engine)[1]
    changed = replace(manifest, engine_sha256=sha256_hex(data), engine_size_bytes=len(data),
                      verification={**manifest.verification, ENGINE_RAN: False})
    engine.write_bytes(data)
    manifest_path(engine).write_text(changed.to_json(), encoding='utf-8')


def configured(ros: Graph, engine: Path, verify: bool = True) -> Any:
    """Configure a node and clean it up; return the transition and what is then said."""
    node = ros.add(InferenceNode, engine_file_path=str(engine), verify_on_configure=verify)
    result = node.trigger_configure()
    said = sentence(node._stream.settings.runtime.manifest.verification) if node._stream \
        else node._configure_problem
    if node._stream:
        node.trigger_cleanup()
    return result, said


def test_it_is_verified_once_and_remembered(
        ros: Graph, foreign: Path, cache: Path, comparisons: list[Path]) -> None:
    assert 'has not run' in configured(ros, foreign, verify=False)[1]
    for _ in range(2):
        result, said = configured(ros, foreign)
        assert result == SUCCESS and said.startswith('verified by onnxruntime'), said
        assert 'on the CPU (linux-' in said and 'has not run' not in said
    assert comparisons == [foreign.with_suffix('.onnx')]
    # Without the parameter, and for other commands, the outcome is known as well.
    assert configured(ros, foreign, verify=False)[1] == said
    assert sentence(known_here(read_engine(foreign)[1]).verification) == said
    assert len(list(cache.iterdir())) == 1


def test_the_outcome_does_not_hold_for_another_engine(
        ros: Graph, foreign: Path, comparisons: list[Path]) -> None:
    configured(ros, foreign)
    model = onnx.load_from_string(foreign.read_bytes())
    model.producer_name = 'somebody else'  # other bytes, and the same computation
    _write(foreign, model.SerializeToString())
    assert 'has not run' in configured(ros, foreign, verify=False)[1]
    result, said = configured(ros, foreign)
    assert result == SUCCESS and said.startswith('verified by') and len(comparisons) == 2


def test_a_damaged_memory_is_no_verification(
        ros: Graph, foreign: Path, cache: Path, comparisons: list[Path]) -> None:
    configured(ros, foreign)
    for index, content in enumerate(('', '{}', '[]', '{"identity": {}}', 'x' * (2 << 20))):
        for path in cache.iterdir():
            path.write_text(content, encoding='utf-8')
        assert 'has not run' in configured(ros, foreign, verify=False)[1]
        assert configured(ros, foreign)[0] == SUCCESS and len(comparisons) == 2 + index


def test_an_engine_that_differs_is_not_used(ros: Graph, foreign: Path, cache: Path) -> None:
    model = onnx.load_from_string(foreign.read_bytes())
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == 'float32' and values.size > 8:
            tensor.CopyFrom(numpy_helper.from_array(values * 0.9, tensor.name))
    _write(foreign, model.SerializeToString())
    for _ in range(2):  # it is not remembered as verified
        result, said = configured(ros, foreign)
        assert result == FAILURE and 'does not do what its ONNX does' in said
        assert 'rebuild it on this machine' in said and '[engine_differs]' in said
    assert not cache.exists()


@pytest.mark.parametrize('content, said', [
    (None, 'there is no '), (b'broken', 'tiny.onnx'), ('other', 'was built from')])
def test_the_onnx_must_be_there(ros: Graph, foreign: Path, content: Any, said: str) -> None:
    onnx_path = foreign.with_suffix('.onnx')
    onnx_path.unlink()
    if content == 'other':
        onnx.save(dense_model(weight=0.5), str(onnx_path))
    elif content is not None:
        onnx_path.write_bytes(content)
    result, answer = configured(ros, foreign)
    assert result == FAILURE and said in answer
    if content is None:
        assert 'copy the ONNX file' in answer and '[verification_onnx]' in answer
    assert configured(ros, foreign, verify=False)[0] == SUCCESS


def test_a_full_disk_does_not_stop_the_node(ros: Graph, foreign: Path, cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_bytes(b'')  # a file where the folder should be: nothing can be written
    result, said = configured(ros, foreign)
    assert result == SUCCESS and said.startswith('verified by onnxruntime')


def test_diagnostics_warn_until_it_is_verified(
        ros: Graph, foreign: Path, next_status: Any,
        active_node: Callable[..., InferenceNode]) -> None:
    node = active_node(engine_file_path=str(foreign))
    ros.answer()
    status = next_status(lambda status: 'has not run' in status.message)
    assert 'verify_on_configure' in status.message and status.level == status.WARN
    node.trigger_shutdown()
    active_node(engine_file_path=str(foreign), verify_on_configure=True)
    ros.answer()
    status = next_status(lambda status: 'results per second' in status.message)
    said = next(value.value for value in status.values if value.key == 'verification')
    assert said.startswith('verified by onnxruntime')


@pytest.mark.gpu
@pytest.mark.skipif(GPU_MARKS[1].args[0], reason=GPU_MARKS[1].kwargs['reason'])
def test_an_engine_of_tensorrt_is_verified_on_the_gpu(
        ros: Graph, cache: Path, tmp_path: Path, comparisons: list[Path]) -> None:
    path = built(dense_model(), tmp_path)
    _write(path, path.read_bytes())
    for _ in range(2):
        result, said = configured(ros, path)
        assert result == SUCCESS and said.startswith('verified by tensorrt')
        assert ' on NVIDIA ' in said
    assert len(comparisons) == 1
