# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""2:4 sparsity: detected in ONNX weights, trained in PyTorch, built by TensorRT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.building import build_in_memory
from support.models import dense_model, save

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.precision.sparsity import check_sparsity
from edge_trt_ros.convert.tensorrt.builder import engine_from_onnx
from edge_trt_ros.errors import EngineError, ModelError
from edge_trt_ros.runtime.tensorrt.library import load_tensorrt


def convolutions(*kernels: np.ndarray) -> onnx.ModelProto:
    """Return convolutions of 8 channels."""
    nodes = [helper.make_node('Conv', [f'x{index}', f'kernel_{index}'], [f'x{index + 1}'])
             for index in range(len(kernels))]
    return helper.make_model(helper.make_graph(
        nodes, 'sparse', [helper.make_tensor_value_info('x0', TensorProto.FLOAT, [1, 8, 6, 6])],
        [helper.make_tensor_value_info(f'x{len(kernels)}', TensorProto.FLOAT, [1, 8, 6, 6])],
        [numpy_helper.from_array(kernel.astype(np.float32), f'kernel_{index}')
         for index, kernel in enumerate(kernels)]),
        opset_imports=[helper.make_opsetid('', 18)], ir_version=9)


def pruned_kernel() -> np.ndarray:
    """Return a kernel with two zeros in each group of four input channels, at mixed places."""
    kernel = np.random.default_rng(0).normal(0, 1, (8, 8, 1, 1))
    kernel[::2, [0, 1, 6, 7]] = 0
    kernel[1::2, [1, 3, 4, 5]] = 0
    return kernel


def test_pruned_weights_are_detected() -> None:
    spoilt = pruned_kernel()
    spoilt[0, 0] = 1.0
    found = check_sparsity(convolutions(pruned_kernel(), spoilt))
    assert (found.pruned, found.dense) == (('kernel_0',), ('kernel_1',))
    assert str(found) == '1 of 2 weights pruned 2 of 4'


def test_a_dense_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match='of 1 weights that could be pruned'):
        check_sparsity(convolutions(np.ones((8, 8, 1, 1))))
    path = save(dense_model(), tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match='sparsity is set'):
        build_in_memory(path, BuildOptions(sparsity=True))


def test_a_pruned_network_is_built() -> None:
    try:
        library = load_tensorrt('tensorrt_rtx')
    except EngineError as error:
        pytest.skip(str(error))
    options = BuildOptions(backend='tensorrt_rtx', sparsity=True)
    assert engine_from_onnx(convolutions(pruned_kernel()), options, library).data


def test_pytorch_weights_stay_pruned_in_training() -> None:
    torch = pytest.importorskip('torch', reason='PyTorch is not installed')
    from edge_trt_ros.convert.precision.sparse_training import SparseWeights
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(8, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 6, 1),
        torch.nn.Conv2d(6, 8, 1), torch.nn.Flatten(), torch.nn.Linear(128, 1))
    sparse = SparseWeights(network)
    assert len(sparse) == 3  # 6 input channels are not a multiple of 4
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    inputs = torch.randn(16, 8, 4, 4)
    wanted = inputs.mean(dim=(1, 2, 3))[:, None]
    losses = []
    for _ in range(100):
        loss = torch.nn.functional.mse_loss(network(inputs), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sparse.restore()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]
    kernels = [network[index].weight.detach().numpy() for index in (0, 2)]
    for kernel in kernels:
        fours = np.moveaxis(kernel, 1, -1).reshape(-1, 4)
        assert ((fours != 0).sum(axis=1) == 2).all()
    assert check_sparsity(convolutions(kernels[1][:, :, :1, :1].repeat(2, axis=0)[:8])).pruned
