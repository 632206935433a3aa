"""One precision, the same on TensorRT and on the CPU, written into the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
from onnx.reference import ReferenceEvaluator
import onnxruntime
import pytest
from support.building import build_in_memory
from support.image_folder import image_folder
from support.models import dense_model, end_to_end_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.graph.edit import decoding_nodes, prepared, weighted_nodes
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan_identity import why_stale
from edge_trt_ros.convert.precision import apply as module
from edge_trt_ros.convert.precision.apply import first_precision
from edge_trt_ros.convert.precision.bf16_emulation import emulated_bf16
from edge_trt_ros.convert.precision.calibration_cache import calibration_cache_path
from edge_trt_ros.convert.precision.half import to_low_precision
from edge_trt_ros.convert.precision.int8 import quantize_int8
from edge_trt_ros.convert.precision.ranges import (Feed, measure_ranges, overflowing_nodes,
                                                   TensorRange)
from edge_trt_ros.convert.precision.sensitivity import hold_budget
from edge_trt_ros.convert.toolchain import Toolchain
from edge_trt_ros.errors import BuildError, ConfigurationError, ImageError
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt, TensorRt

BACKENDS = ['onnxruntime', *(['tensorrt_rtx'] if installed_tensorrt() == 'tensorrt_rtx' else [])]
CPU, RTX = Toolchain('onnxruntime', '1.32.0'), Toolchain(
    'tensorrt_rtx', '1.7.1.116', '', TensorRt('tensorrt_rtx', '1.7.1.116', None))


@pytest.fixture(scope='module')
def images(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(image_folder(tmp_path_factory.mktemp('calibration') / 'images'))


def chain(*kernels: np.ndarray, open_sizes: bool = False, opset: int = 18) -> onnx.ModelProto:
    """Return convolutions with ReLU between, and a sum that decodes."""
    nodes, initializers, last = [], [], 'images'
    for index, kernel in enumerate(kernels):
        initializers.append(numpy_helper.from_array(kernel.astype(np.float32), f'kernel_{index}'))
        nodes += [helper.make_node('Conv', [last, f'kernel_{index}'], [f'conv_{index}'],
                                   name=f'conv_{index}'),
                  helper.make_node('Relu', [f'conv_{index}'], [f'relu_{index}'])]
        last = f'relu_{index}'
    nodes.append(helper.make_node('Add', [last, 'shift'], ['out']))
    initializers.append(numpy_helper.from_array(np.full(1, 300.3, np.float32), 'shift'))
    sizes = ['b', 'h', 'w'] if open_sizes else [1, 8, 8]
    shape = [sizes[0], 3, *sizes[1:]]
    model = helper.make_model(helper.make_graph(
        nodes, 'chain', [helper.make_tensor_value_info('images', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, [
            sizes[0], kernels[-1].shape[0], *sizes[1:]])], initializers),
        opset_imports=[helper.make_opsetid('', opset)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def random_kernel(seed: int, shape: tuple[int, ...] = (3, 3, 1, 1)) -> np.ndarray:
    """Return a seeded kernel."""
    return np.random.default_rng(seed).normal(0, 0.5, shape)


def feeds(count: int = 4, scale: float = 1.0) -> list[Feed]:
    """Return seeded inputs of a chain."""
    random = np.random.default_rng(1)
    return [{'images': scale * random.random((1, 3, 8, 8), np.float32)} for _ in range(count)]


def run(model: onnx.ModelProto, feed: Mapping[str, Any]) -> np.ndarray:
    """Return the first output, by ONNX Runtime."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider'])
    return np.asarray(session.run(None, dict(feed))[0])


def ranges_of(model: onnx.ModelProto, method: str = 'moving_average',
              some: Iterable[Feed] | None = None) -> dict[str, TensorRange]:
    """Measure the ranges of a chain."""
    chosen = list(feeds() if some is None else some)
    return measure_ranges(model, lambda: chosen, method, count=len(chosen),
                          tensors={node.input[0] for node in weighted_nodes(model.graph)})


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('precision', ['fp16', 'bf16', 'int8', 'best'])
@pytest.mark.parametrize('model', [
    dense_model((96, 64), weight=1.0), dense_model(opset=13, classes=1, weight=1.0),
    end_to_end_model()])
def test_every_model_in_every_precision(
        tmp_path: Path, images: str, backend: str, precision: str, model: onnx.ModelProto) -> None:
    path = save(model, tmp_path / 'm.onnx')
    recipe = BuildOptions(backend=backend, precision=precision, calibration=images,
                          max_accuracy_drop=1.0)
    if backend == 'onnxruntime' and precision == 'bf16':
        with pytest.raises(ConfigurationError, match='bf16, which onnxruntime .* cannot'):
            build_engine(path, tmp_path / 'm.engine', recipe)
        return
    manifest, _ = build_engine(path, tmp_path / 'm.engine', recipe)
    best = 'fp32' if backend == 'onnxruntime' else 'int8'
    meant = best if precision == 'best' else precision
    assert manifest.layers['precision'] == meant
    assert manifest.layers['precisions'][meant] >= 1
    assert manifest.verification['frames'] == 6 and manifest.plan['calibration_sha256']
    assert why_stale(tmp_path / 'm.engine', path, recipe) == ''


def test_best_without_images() -> None:
    best = BuildOptions(precision='best')
    assert (first_precision(best, RTX), first_precision(best, CPU)) == ('fp16', 'fp32')


@pytest.mark.parametrize('values, toolchain, match', [
    ({'precision': 'bf16'}, CPU, 'bf16, which onnxruntime 1.32.0 cannot'),
    ({'precision': 'bf16', 'compute_capabilities': ('8.6', '7.5')}, RTX, 'capability 7.5'),
    ({'precision': 'int8'}, RTX, 'takes calibration images'),
    ({'precision': 'int8', 'calibration': 'x'},
     replace(RTX, tensorrt=TensorRt('tensorrt_rtx', '1.6.1.120', None)), 'update it to 1.7.1'),
])
def test_precision_that_cannot_be(
        values: dict[str, Any], toolchain: Toolchain, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        first_precision(BuildOptions(**values), toolchain)


@pytest.mark.parametrize('precision, error', [('fp16', 2e-3), ('bf16', 2e-2)])
def test_half_precision_is_near(precision: str, error: float) -> None:
    model = prepared(chain(random_kernel(0), random_kernel(1)), 19)
    low = to_low_precision(model, precision)
    if precision == 'bf16':
        low = emulated_bf16(low)
    expected, actual = run(model, feeds()[0]), run(low, feeds()[0])
    assert actual.dtype == np.float32 and not np.array_equal(expected, actual)
    np.testing.assert_allclose(actual, expected, rtol=error)


def test_the_decoding_stays_in_float32() -> None:
    model = prepared(chain(random_kernel(0), random_kernel(1)), 19)
    decoding = decoding_nodes(model.graph)
    assert {node.op_type for node in model.graph.node if node.name in decoding} == {'Relu', 'Add'}
    low = to_low_precision(model, 'fp16', decoding)
    # 300.3 is 300.25 in fp16; the convolutions before it differ by less.
    expected, actual = run(model, feeds()[0]), run(low, feeds()[0])
    assert np.abs(expected - actual).max() < 0.01
    assert np.abs(expected - run(to_low_precision(model, 'fp16'), feeds()[0])).max() > 0.03


def test_open_dimensions_survive() -> None:
    model = prepared(chain(random_kernel(0), open_sizes=True), 19)
    low = to_low_precision(quantize_int8(model, ranges_of(model), ['conv_0']), 'fp16')
    for shape in ((1, 3, 8, 8), (2, 3, 5, 4)):
        feed = {'images': np.random.default_rng(0).random(shape, np.float32)}
        np.testing.assert_allclose(run(low, feed), run(model, feed), rtol=0.01)


def test_what_overflows_stays_in_float32() -> None:
    large = np.full((3, 3, 1, 1), 20_000.0)
    model = prepared(chain(random_kernel(0), large, 1e-5 * large, random_kernel(1)), 19)
    ranges = ranges_of(model, some=feeds(scale=5.0))
    overflowing = overflowing_nodes(model.graph, ranges)
    assert {'conv_1', 'conv_2'} <= overflowing and 'conv_0' not in overflowing
    feed = feeds(scale=5.0)[0]
    # ONNX's own evaluator computes in fp16 what the graph states in fp16.
    low = to_low_precision(model, 'fp16', overflowing | decoding_nodes(model.graph))
    found = ReferenceEvaluator(low).run(None, dict(feed))[0]
    np.testing.assert_allclose(found, run(model, feed), rtol=0.01)
    with np.errstate(all='ignore'):
        spoilt = ReferenceEvaluator(to_low_precision(model, 'fp16')).run(None, dict(feed))[0]
    assert not np.isfinite(spoilt).all() or np.abs(spoilt / found - 1).max() > 0.1


def test_int8_is_symmetric_per_channel_and_explicit() -> None:
    model = prepared(chain(random_kernel(0), random_kernel(1, (5, 3, 1, 1))), 19)
    quantized = quantize_int8(model, ranges_of(model), ['conv_0', 'conv_1'])
    values = {one.name: numpy_helper.to_array(one) for one in quantized.graph.initializer}
    nodes = {node.output[0]: node for node in quantized.graph.node}
    for node in quantized.graph.node:
        if node.op_type in ('QuantizeLinear', 'DequantizeLinear'):
            assert values[node.input[2]].dtype == np.int8 and not values[node.input[2]].any()
    conv = nodes['conv_1']
    assert nodes[conv.input[0]].op_type == nodes[conv.input[1]].op_type == 'DequantizeLinear'
    assert values[nodes[conv.input[1]].input[1]].shape == (5,)
    assert np.abs(values[nodes[conv.input[1]].input[0]]).max() == 127
    for feed in feeds():
        np.testing.assert_allclose(run(quantized, feed), run(model, feed), atol=0.05)
    again = quantize_int8(model, ranges_of(model), ['conv_0', 'conv_1'])
    assert quantized.SerializeToString(deterministic=True) == again.SerializeToString(
        deterministic=True)


def test_scales_survive_fp16() -> None:
    model = prepared(chain(1e-7 * random_kernel(0), random_kernel(1)), 19)
    low = to_low_precision(quantize_int8(model, ranges_of(model), ['conv_0', 'conv_1']), 'fp16')
    for tensor in low.graph.initializer:
        if tensor.name.endswith('scale'):
            assert (numpy_helper.to_array(tensor) > 0).all()


@pytest.mark.parametrize('method', ['moving_average', 'min_max', 'percentile'])
def test_methods_of_calibration(method: str) -> None:
    model = prepared(chain(random_kernel(0)), 19)
    one = ranges_of(model, method, [{'images': np.full((1, 3, 8, 8), value, np.float32)}
                                    for value in (1.0, 2.0, 9.0)])['images']
    assert one.peak == 9.0
    assert one.bound == pytest.approx({'moving_average': 4.0}.get(method, 9.0), rel=1e-3)


def test_a_percentile_ignores_a_single_pixel() -> None:
    model = prepared(chain(random_kernel(0)), 19)
    some = [{'images': np.random.default_rng(0).random((1, 3, 8, 8), np.float32)}] * 600
    outlier = np.array(some[0]['images'])
    outlier[0, 0, 0, 0] = 100.0
    found = ranges_of(model, 'percentile', [*some, {'images': outlier}])['images']
    assert found.peak == 100.0 and found.bound < 1.1


def test_layers_that_lose_most_are_left() -> None:
    harmless = [np.abs(random_kernel(seed)) for seed in range(5)]
    harmful = np.abs(random_kernel(9))
    model = prepared(chain(*harmless[:3], harmful, *harmless[3:]), 19)
    ranges = ranges_of(model)
    ranges['relu_2'] = TensorRange(1e-3, 1.0)  # clips all that the fourth one is fed
    nodes = [node.name for node in weighted_nodes(model.graph)]
    expected = [run(model, feed) for feed in feeds()]

    def drop_of(candidate: onnx.ModelProto) -> float:
        return max(float(np.abs(run(candidate, feed) - one).max())
                   for feed, one in zip(feeds(), expected))
    done = hold_budget(model, ranges, nodes, decoding_nodes(model.graph), feeds(), drop_of, 0.1)
    assert done.left == ('conv_3',) and done.drop <= 0.1
    assert hold_budget(model, ranges, nodes, set(), feeds(), drop_of, 99.0).left == ()
    with pytest.raises(BuildError, match='raise max_accuracy_drop, or'):
        hold_budget(model, ranges, nodes, set(), feeds(), drop_of, 0.0)


@pytest.mark.skipif('tensorrt_rtx' not in BACKENDS, reason='TensorRT for RTX is not installed')
def test_best_falls_back_to_fp16(
        tmp_path: Path, images: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise BuildError('int8 loses too much')
    monkeypatch.setattr(module, 'hold_budget', fail)
    path = save(dense_model(weight=1.0), tmp_path / 'm.onnx')
    recipe = BuildOptions(backend='tensorrt_rtx', precision='best', calibration=images)
    assert build_in_memory(path, recipe).manifest.layers['precision'] == 'fp16'
    with pytest.raises(BuildError, match='loses too much'):
        build_in_memory(path, replace(recipe, precision='int8'))


def test_ranges_are_measured_once(
        tmp_path: Path, images: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, engine = save(dense_model(weight=1.0), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    recipe = BuildOptions(precision='int8', calibration=images, max_accuracy_drop=1.0)
    first = build_engine(path, engine, recipe)[0]
    measured: list[int] = []

    def counted(*arguments: Any, **named: Any) -> dict[str, TensorRange]:
        measured.append(1)
        return measure_ranges(*arguments, **named)
    monkeypatch.setattr(module, 'measure_ranges', counted)
    again = build_engine(path, engine, recipe, force=True)[0]
    assert (first.engine_sha256, first.plan_key) == (again.engine_sha256, again.plan_key)
    assert measured == []
    other = build_engine(path, engine, replace(recipe, calibration_method='min_max'))[0]
    assert measured == [1] and other.engine_sha256 != first.engine_sha256
    for damaged in (b'', b'{"key": 3}', b'\xff'):
        calibration_cache_path(engine).write_bytes(damaged)
        build_engine(path, engine, recipe, force=True)
    assert measured == [1] * 4


def test_other_images_make_the_engine_stale(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / 'images')
    path, engine = save(dense_model(weight=1.0), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    recipe = BuildOptions(precision='int8', calibration=str(folder), max_accuracy_drop=1.0)
    build_engine(path, engine, recipe)
    (folder / '00.png').unlink()
    assert why_stale(engine, path, recipe) == 'the calibration images have changed'
    for image in folder.iterdir():
        image.unlink()
    with pytest.raises(ConfigurationError, match='holds no images'):
        build_engine(path, engine, recipe)
    (folder / '00.png').write_bytes(b'broken')
    with pytest.raises(ImageError, match='00.png'):
        build_engine(path, engine, recipe)
    assert engine.exists()
