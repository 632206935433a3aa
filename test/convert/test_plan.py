# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Plans of builds: their facts and errors, equality, and what the manifest stores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build, build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import draft_plan, plan_build, PlanDraft
from edge_trt_ros.errors import ModelError
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt

RTX = BuildOptions(backend='tensorrt_rtx')
needs_rtx = pytest.mark.skipif(installed_tensorrt() != 'tensorrt_rtx',
                               reason='TensorRT for RTX is not installed')


def draft(model: onnx.ModelProto, folder: Path, options: BuildOptions) -> PlanDraft:
    """Save a model and draft its plan."""
    return draft_plan(save(model, folder / 'm.onnx'), options)


def with_unknown_operator() -> onnx.ModelProto:
    """Return a model with an operator that ONNX Runtime supports and TensorRT does not."""
    model = dense_model()
    model.graph.node[0].input[0] = 'inverse'
    model.graph.node.insert(0, helper.make_node(
        'Inverse', ['images'], ['inverse'], name='odd',
        domain='com.microsoft'))
    model.graph.value_info.append(
        helper.make_tensor_value_info('inverse', TensorProto.FLOAT, [1, 3, 64, 64]))
    model.opset_import.append(helper.make_opsetid('com.microsoft', 1))
    return model


def test_plan_text_lists_facts_and_costs(tmp_path: Path) -> None:
    model = dense_model()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(2), 'twice'))
    drafted = draft(model, tmp_path, BuildOptions(backend='onnxruntime'))
    assert drafted.errors == [] and drafted.plan is not None
    text = str(drafted)
    for part in ('images float32[1, 3, 64, 64]', 'opset 18 of ai.onnx', '3 constants are int64',
                 '1 constants are double', 'head yolo_dense: 3 classes, 84 boxes',
                 'built by onnxruntime', 'can be built: plan ', ' MB of disk, about '):
        assert part in text
    assert drafted.plan.disk_bytes >= 2 * (tmp_path / 'm.onnx').stat().st_size


@needs_rtx
def test_operator_unsupported_by_tensorrt_is_refused(tmp_path: Path) -> None:
    model = with_unknown_operator()
    drafted = draft(model, tmp_path, RTX)
    assert any("node 'odd' (Inverse)" in str(error) for error in drafted.errors)
    assert 'operators outside of ONNX: Inverse (1)' in drafted.facts
    with pytest.raises(ModelError, match="node 'odd'"):
        build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine', RTX)


def test_draft_lists_all_errors(tmp_path: Path) -> None:
    options = BuildOptions(backend='onnxruntime', precision='bf16', labels=('one',), sparsity=True)
    drafted = draft(dense_model(), tmp_path, options)
    assert len(drafted.errors) == 3 and drafted.plan is None
    for part, error in zip(('1 labels are given', 'bf16', 'sparsity'), drafted.errors):
        assert part in str(error)
    assert str(drafted).count('refused: ') == 3
    with pytest.raises(ModelError, match='1 labels are given'):
        plan_build(tmp_path / 'm.onnx', options)


def test_equal_plans_have_equal_keys(tmp_path: Path) -> None:
    path, options = save(dense_model(), tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime')
    first, again = plan_build(path, options), plan_build(path, options)
    assert first == again and first.key == again.key
    fewer = plan_build(path, replace(options, max_candidates=10))
    assert first != fewer and first.key != fewer.key
    assert fewer.identity.differences(first.identity.to_dict(), 'm.onnx') == [
        'max_candidates is 1000 in the engine and 10 now']


def test_manifest_contains_the_plan(tmp_path: Path) -> None:
    path, options = save(dense_model(), tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime')
    plan = plan_build(path, options)
    manifest, _ = build_engine(path, tmp_path / 'm.engine', options)
    assert manifest.plan == plan.identity.to_dict() and manifest.plan_key == plan.key
    assert manifest.onnx_sha256 == plan.checked.sha256
    assert (manifest.head, manifest.decoder) == ('yolo_dense', 'candidates')


def test_planning_modifies_neither_graph_nor_file(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    before = path.read_bytes()
    plan = plan_build(path, BuildOptions(backend='onnxruntime'))
    graph = plan.graph.SerializeToString(deterministic=True)
    build(plan)
    assert plan.graph.SerializeToString(deterministic=True) == graph
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_plan_says_that_candidates_are_cut(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    cut = draft_plan(path, BuildOptions(backend='onnxruntime', max_candidates=5))
    assert 'the best 5 of 84 boxes leave the device' in str(cut)
    assert 'leave the device' not in str(draft_plan(path, BuildOptions(backend='onnxruntime')))
