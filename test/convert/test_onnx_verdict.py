"""The verdict on an ONNX: readable, complete, and before any minute is spent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.onnx_verdict import judge_onnx, OnnxVerdict
from edge_trt_ros.convert.options import ConversionRecipe
from edge_trt_ros.errors import ModelError
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt

RTX = ConversionRecipe(backend='tensorrt_rtx')
needs_rtx = pytest.mark.skipif(installed_tensorrt() != 'tensorrt_rtx',
                               reason='TensorRT for RTX is not installed')


def judge(model: onnx.ModelProto, folder: Path, recipe: ConversionRecipe) -> OnnxVerdict:
    """Judge a model as a file."""
    return judge_onnx(check_onnx(save(model, folder / 'm.onnx')), recipe)


def with_unknown_operator() -> onnx.ModelProto:
    """Return a model with an operator that ONNX Runtime has and TensorRT has not."""
    model = dense_model()
    model.graph.node[0].input[0] = 'inverse'
    model.graph.node.insert(0, helper.make_node(
        'Inverse', ['images'], ['inverse'], name='odd',
        domain='com.microsoft'))
    model.graph.value_info.append(
        helper.make_tensor_value_info('inverse', TensorProto.FLOAT, [1, 3, 64, 64]))
    model.opset_import.append(helper.make_opsetid('com.microsoft', 1))
    return model


def test_what_can_be_built(tmp_path: Path) -> None:
    model = dense_model()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(2), 'twice'))
    verdict = judge(model, tmp_path, ConversionRecipe())
    assert verdict.problems == ()
    text = str(verdict)
    for part in ('images float32[1, 3, 64, 64]', 'opset 18 of ai.onnx', '3 constants are int64',
                 '1 constants are double', 'head yolo_dense: 3 classes, 84 boxes',
                 'built by onnxruntime', 'can be built'):
        assert part in text


@needs_rtx
def test_an_operator_that_tensorrt_lacks(tmp_path: Path) -> None:
    model = with_unknown_operator()
    verdict = judge(model, tmp_path, RTX)
    assert any("node 'odd' (Inverse)" in problem for problem in verdict.problems)
    assert 'operators outside of ONNX: Inverse (1)' in verdict.facts
    with pytest.raises(ModelError, match="node 'odd'"):
        build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine', RTX)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    recipe = ConversionRecipe(precision='bf16', labels=('one',), sparsity=True)
    verdict = judge(dense_model(), tmp_path, recipe)
    assert len(verdict.problems) == 3
    for part, problem in zip(('1 labels are given', 'bf16', 'sparsity'), verdict.problems):
        assert part in problem
    assert str(verdict).count('refused: ') == 3
