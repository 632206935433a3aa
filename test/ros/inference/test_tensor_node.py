# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The inference node with networks of any tensors, over DDS, with the contracts of `config`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
import onnx
from onnx import helper, TensorProto
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import Image
from std_msgs.msg import Float32MultiArray, Header, MultiArrayDimension
from std_srvs.srv import Trigger
from support.graph import Graph
from support.tensor_models import (as_option, CHUNK, policy_contract, policy_model,
                                   voice_activity_contract, voice_activity_model)

from edge_trt_ros import build_engine, open_model
from edge_trt_ros.errors import ImageError
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.messages.image import image_message
from edge_trt_ros.ros.messages.tensors import tensor_from_message
from edge_trt_ros.tensor_contract_text import contract_from_text, contract_from_values
from edge_trt_ros.tensor_spec import TensorSpec

CONFIG = Path(__file__).resolve().parents[3] / 'config'
NextStatus = Callable[[Callable[[DiagnosticStatus], Any]], DiagnosticStatus]


@pytest.fixture(scope='module')
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('tensors')
    for name, model in (('voice_activity', voice_activity_model()), ('policy', policy_model())):
        onnx.save(model, folder / f'{name}.onnx')
        build_engine(folder / f'{name}.onnx', folder / f'{name}.engine', backend='onnxruntime',
                     tensor_contract=CONFIG / f'{name}_contract.yaml')
    return folder


def started(ros: Graph, engine: Path, **parameters: Any) -> InferenceNode:
    node: InferenceNode = ros.add(
        InferenceNode, engine_file_path=str(engine), **parameters)
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    return node


def publisher(ros: Graph, kind: Any, topic: str) -> Any:
    made = ros.peer.create_publisher(kind, topic, 10)
    ros.until(made.get_subscription_count)
    return made


def received(ros: Graph) -> list[Any]:
    found: list[Any] = []
    ros.peer.create_subscription(Float32MultiArray, 'tensors', found.append, 10)
    ros.until(lambda: ros.peer.count_publishers('tensors'))
    ros.spin(0.3)
    return found


def array(values: Any) -> Float32MultiArray:
    return Float32MultiArray(data=np.asarray(values, np.float32).ravel().tolist())


def called(ros: Graph, name: str) -> Any:
    client = ros.peer.create_client(Trigger, name)
    ros.until(client.service_is_ready)
    future = client.call_async(Trigger.Request())
    ros.until(future.done)
    return future.result()


@pytest.mark.parametrize(('name', 'contract'), [
    ('voice_activity', voice_activity_contract()), ('policy', policy_contract())])
def test_contracts_of_config_are_those_of_the_networks(name: str, contract: dict[str, Any],
                                                       engines: Path) -> None:
    with open_model(engines / f'{name}.engine') as model:
        shown = model.manifest.contract
    wanted = contract_from_text(as_option(contract))
    assert shown is not None and set(shown.outputs) == set(wanted.outputs)
    assert set(shown.inputs) == set(wanted.inputs)


def test_voice_activity_with_its_state(ros: Graph, engines: Path) -> None:
    chunks = [np.random.default_rng(seed).uniform(-1, 1, (1, CHUNK)).astype(np.float32)
              for seed in range(4)]
    with open_model(engines / 'voice_activity.engine') as model:
        expected = [model({'input': chunk}).by_name['output'].item()  # type: ignore[union-attr]
                    for chunk in chunks]
    started(ros, engines / 'voice_activity.engine')
    found = received(ros)
    audio = publisher(ros, Float32MultiArray, 'audio')
    for _ in range(2):
        for chunk in chunks:  # all at once: a state needs each of them
            audio.publish(array(chunk))
        ros.until(lambda: len(found) == len(chunks))
        assert [message.data[0] for message in found] == pytest.approx(expected, abs=1e-6)
        assert [(dim.label, dim.size) for dim in found[0].layout.dim] == [
            ('output/0', 1), ('output/1', 1)]
        found.clear()
        answer = called(ros, '/inference/reset_state')
        assert answer.success and answer.message == 'state: as at the start'


def test_policy_joins_picture_and_vector(ros: Graph, engines: Path, next_status: NextStatus
                                         ) -> None:
    node = started(ros, engines / 'policy.engine')
    found = received(ros)
    images = publisher(ros, Image, 'image')
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    message = image_message(pixels, Header(stamp=node.get_clock().now().to_msg()))
    counts = node._stream.cameras[''].figures.counts  # type: ignore[union-attr]
    images.publish(message)
    ros.until(lambda: counts['dropped_for_missing'])
    status = next_status(lambda status: 'tensors_in/observations' in status.message)
    assert status.level == DiagnosticStatus.ERROR and 'nothing was received' in status.message

    vectors = publisher(ros, Float32MultiArray, 'tensors_in/observations')
    vectors.publish(array(np.linspace(-1, 1, 12)))
    ros.spin(0.1)
    images.publish(message)
    ros.until(lambda: len(found) == 2)
    with open_model(engines / 'policy.engine') as model:
        expected = model({'camera': pixels, 'observations': np.linspace(
            -1, 1, 12, dtype=np.float32)[None]}).by_name  # type: ignore[union-attr]
    by_name = {sent.layout.dim[0].label: list(sent.data) for sent in found}
    assert by_name['velocity/0'] == pytest.approx(expected['velocity'][0].tolist(), abs=1e-6)
    assert by_name['mode/0'] == expected['mode'][0].tolist()

    ros.spin(0.3)
    images.publish(message)
    ros.until(lambda: counts['dropped_for_old_input'])
    assert 'max_age_ms' in node._stream.cameras[''].beside.problem  # type: ignore[union-attr]
    vectors.publish(array(np.zeros(11)))
    ros.spin(0.1)
    images.publish(message)
    ros.until(lambda: counts['bad_images'])
    assert '11 values' in node._stream.cameras[''].last_problem  # type: ignore[union-attr]
    assert not called(ros, '/inference/reset_state').success


def test_state_that_became_nan_is_reset(ros: Graph, tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node('Add', ['x', 'last'], ['sum']),
         helper.make_node('Sqrt', ['sum'], ['y']), helper.make_node('Identity', ['y'], ['next'])],
        'nan', [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])
                for name in ('x', 'last')],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ('y', 'next')])
    one = {'shape': [1], 'dtype': 'float32'}
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=8),
              tmp_path / 'm.onnx')
    build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine', backend='onnxruntime',
                 tensor_contract={'inputs': {'x': {**one, 'range': [3, 4]}, 'last': {
                     **one, 'from_output': 'next', 'initial': 0}}, 'outputs': {
                         'y': one, 'next': one}})
    node = started(ros, tmp_path / 'm.engine')
    found = received(ros)
    values = publisher(ros, Float32MultiArray, 'tensors_in/x')
    values.publish(array([-5]))
    ros.until(lambda: node._stream.cameras[  # type: ignore[union-attr]
        ''].figures.counts['bad_results'])
    values.publish(array([1]))
    ros.until(lambda: found)
    assert list(found[0].data) == [1.0]


def test_cameras_are_refused(ros: Graph, engines: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engines / 'policy.engine'),
                   cameras=['front'])
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert 'one set of inputs' in node._configure_problem


@pytest.mark.parametrize(('message', 'spec', 'words'), [
    (array(range(5)), TensorSpec('x', 'float32', (2, 3)), '5 values'),
    (array([1.5]), TensorSpec('x', 'int64', ()), 'no numbers of int64'),
    (array([300]), TensorSpec('x', 'uint8', (1,)), 'no numbers of uint8'),
    (array([np.nan]), TensorSpec('x', 'float32', (1,)), 'NaN')])
def test_messages_that_do_not_fit(message: Any, spec: TensorSpec, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        tensor_from_message(message, spec, '/x')


def test_layouts() -> None:
    spec = TensorSpec('x', 'int32', (1, 2, 3))
    for sizes, fits in (((), True), ((2, 3), True), ((1, 2, 3), True), ((3, 2), False)):
        message = array(range(6))
        message.layout.dim = [MultiArrayDimension(size=size) for size in sizes]
        if fits:
            assert tensor_from_message(message, spec, '/x').tolist() == [[[0, 1, 2], [3, 4, 5]]]
        else:
            with pytest.raises(ImageError, match='layout'):
                tensor_from_message(message, spec, '/x')
    assert contract_from_values(policy_contract()).received[0].image is not None
