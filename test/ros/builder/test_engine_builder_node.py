# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The builder node: its services, its checks of parameters, reload after a build."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
import pytest
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger
from support.graph import Graph, graph
from support.models import deep_model, dense_model, save

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.ros.builder.node import EngineBuilderNode
from edge_trt_ros.ros.inference.node import InferenceNode


@pytest.fixture()
def ros() -> Iterator[Graph]:
    with graph() as started:
        yield started


def builder(ros: Graph, folder: Path, **parameters: Any) -> EngineBuilderNode:
    """Return a builder node with the model 'a'."""
    save(dense_model(), folder / 'a.onnx')
    return ros.add(EngineBuilderNode, **{
        'models': ['a'], 'a__onnx_file_path': str(folder / 'a.onnx'),
        'a__engine_file_path': str(folder / 'a.engine'), **parameters})


def states(ros: Graph) -> dict[str, str]:
    """Return the state of each model in the next diagnostics."""
    found: dict[str, str] = {}

    def take(message: DiagnosticArray) -> None:
        for status in message.status:
            values = {entry.key: entry.value for entry in status.values}
            found[status.name.split(': ')[-1]] = values.get('state', status.message)
    subscription = ros.peer.create_subscription(DiagnosticArray, '/diagnostics', take, 10)
    ros.until(lambda: found)
    ros.peer.destroy_subscription(subscription)
    return found


def test_built_engine_is_fresh_and_not_built_again(ros: Graph, tmp_path: Path) -> None:
    builder(ros, tmp_path)
    assert states(ros) == {'a': 'stale'}
    answer = ros.call(Trigger, 'engine_builder/a/build')
    assert answer.success and 'built in' in answer.message and 'fp32' in answer.message
    read_engine(tmp_path / 'a.engine')
    assert states(ros) == {'a': 'fresh'}
    assert 'fresh already' in ros.call(Trigger, 'engine_builder/a/build').message


def test_failed_build_is_reported(ros: Graph, tmp_path: Path) -> None:
    builder(ros, tmp_path)
    (tmp_path / 'a.onnx').write_bytes(b'garbage')
    answer = ros.call(Trigger, 'engine_builder/a/build')
    assert not answer.success and 'is not an ONNX file' in answer.message
    assert states(ros) == {'a': 'failed'}
    save(dense_model(), tmp_path / 'a.onnx')
    assert ros.call(Trigger, 'engine_builder/a/build').success


def test_other_calls_are_answered_during_a_build(ros: Graph, tmp_path: Path) -> None:
    node = builder(ros, tmp_path)
    save(dense_model((1280, 1280), classes=1200), tmp_path / 'a.onnx')  # takes seconds
    client = ros.peer.create_client(Trigger, 'engine_builder/a/build')
    ros.until(client.service_is_ready)
    first, second = (client.call_async(Trigger.Request()) for _ in range(2))
    ros.until(lambda: node._queue.state('a').state == 'building')
    assert states(ros) == {'a': 'building'}
    used_s = process_time()
    answer = ros.call(Trigger, 'engine_builder/a/cancel')
    assert answer.success and not first.done()
    ros.until(lambda: first.done() and second.done())
    assert 'canceled after' in first.result().message == second.result().message
    assert process_time() - used_s < 2.0, 'busy waiting'
    assert not (tmp_path / 'a.engine').exists()
    assert [path.name for path in tmp_path.iterdir()] == ['a.onnx']


def test_build_all_builds_every_model(ros: Graph, tmp_path: Path) -> None:
    save(dense_model(classes=2), tmp_path / 'b.onnx')
    builder(ros, tmp_path, models=['a', 'b'], b__onnx_file_path=str(tmp_path / 'b.onnx'),
            b__engine_file_path=str(tmp_path / 'b.engine'))
    answer = ros.call(Trigger, 'engine_builder/build_all')
    assert answer.success and 'a: built in' in answer.message and 'b: built in' in answer.message
    assert states(ros) == {'a': 'fresh', 'b': 'fresh'}


def test_queued_build_can_be_canceled(ros: Graph, tmp_path: Path) -> None:
    builder(ros, tmp_path, models=['a', 'b'], b__onnx_file_path=str(tmp_path / 'a.onnx'),
            b__engine_file_path=str(tmp_path / 'b.engine'))
    clients = [ros.peer.create_client(Trigger, f'engine_builder/{name}/build') for name in 'ab']
    ros.until(lambda: all(client.service_is_ready() for client in clients))
    first, second = (client.call_async(Trigger.Request()) for client in clients)
    assert 'queue' in ros.call(Trigger, 'engine_builder/b/cancel').message
    ros.until(lambda: first.done() and second.done())
    assert first.result().success and 'before it began' in second.result().message
    assert not ros.call(Trigger, 'engine_builder/b/cancel').success


def test_new_engine_is_reloaded_by_the_detector(ros: Graph, tmp_path: Path) -> None:
    builder(ros, tmp_path, a__reload_service='/inference/reload', a__force_engine_update=True)
    assert 'is not available' in ros.call(Trigger, 'engine_builder/a/build').message
    node = ros.add(InferenceNode, engine_file_path=str(tmp_path / 'a.engine'))
    node.trigger_configure()
    node.trigger_activate()
    assert 'is in use' in ros.call(Trigger, 'engine_builder/a/build').message
    ros.answer()


@pytest.mark.parametrize('parameters, sentence', [
    ({'models': ['not a name']}, 'expected names of letters'),
    ({'models': ['a', 'a']}, 'a name twice'),
    ({'a__onnx_path': 'x'}, "unknown parameter 'a.onnx_path' (is 'a.onnx_file_path' meant?)"),
])
def test_invalid_parameters_are_reported(ros: Graph, tmp_path: Path, parameters: dict[str, Any],
                                         sentence: str) -> None:
    node = builder(ros, tmp_path, **parameters)
    assert sentence in node._problem
    assert sentence in states(ros)['parameters']


@pytest.mark.parametrize('name, value, sentence', [
    ('a.precision', 'fp7', 'precision'), ('a.max_candidates', 0, 'max_candidates'),
    ('models', ['b'], 'when the node starts')])
def test_invalid_changes_are_rejected(ros: Graph, tmp_path: Path, name: str, value: Any,
                                      sentence: str) -> None:
    result = builder(ros, tmp_path).set_parameters([Parameter(name, value=value)])[0]
    assert not result.successful and sentence in result.reason


def test_model_without_a_path_is_not_built(ros: Graph, tmp_path: Path) -> None:
    builder(ros, tmp_path, a__onnx_file_path='')
    answer = ros.call(Trigger, 'engine_builder/a/build')
    assert not answer.success and 'onnx_file_path is empty' in answer.message


def test_a_canceled_build_leaves_a_fresh_engine_fresh(ros: Graph, tmp_path: Path) -> None:
    node = builder(ros, tmp_path)
    assert ros.call(Trigger, 'engine_builder/a/build').success
    assert states(ros) == {'a': 'fresh'}
    node.set_parameters([Parameter('a.force_engine_update', value=True)])
    client = ros.peer.create_client(Trigger, 'engine_builder/a/build')
    ros.until(client.service_is_ready)
    ros.spin(0.3)
    build = client.call_async(Trigger.Request())
    ros.until(lambda: node._queue.state('a').state == 'building')
    assert ros.call(Trigger, 'engine_builder/a/cancel').success
    ros.until(build.done)
    assert 'canceled' in build.result().message and states(ros) == {'a': 'fresh'}


def test_gpu_build_reports_progress_and_can_be_canceled(ros: Graph, tmp_path: Path) -> None:
    pytest.importorskip('tensorrt_rtx')
    node = builder(ros, tmp_path, a__backend='tensorrt_rtx', a__compute_capabilities=['8.6'])
    save(deep_model(), tmp_path / 'a.onnx')
    client = ros.peer.create_client(Trigger, 'engine_builder/a/build')
    ros.until(client.service_is_ready)
    first = client.call_async(Trigger.Request())
    ros.until(lambda: node._queue.state('a').fraction > 0.5)
    assert ros.call(Trigger, 'engine_builder/a/cancel').success
    ros.until(first.done)
    assert 'canceled after' in first.result().message
    save(dense_model(), tmp_path / 'a.onnx')
    answer = ros.call(Trigger, 'engine_builder/a/build')
    assert answer.success and 'tensorrt_rtx 1.' in answer.message
    manifest = read_engine(tmp_path / 'a.engine')[1]
    assert manifest.target['compute_capabilities'] == ['8.6']


def test_models_with_the_same_engine_path_are_rejected(ros: Graph, tmp_path: Path) -> None:
    (tmp_path / 'same').symlink_to(tmp_path)
    builder(ros, tmp_path, models=['a', 'b'], b__onnx_file_path=str(tmp_path / 'a.onnx'),
            b__engine_file_path=str(tmp_path / 'same' / 'a.engine'))
    answer = ros.call(Trigger, 'engine_builder/build_all')
    assert not answer.success and 'a and b both write' in answer.message
    assert not (tmp_path / 'a.engine').exists()


@pytest.mark.parametrize('name', ['onnx_file_path', 'engine_file_path', 'labels_file_path',
                                  'calibration'])
def test_files_outside_allowed_folders_are_rejected(
        ros: Graph, tmp_path: Path, name: str) -> None:
    inside, outside = tmp_path / 'inside', tmp_path / 'outside'
    inside.mkdir()
    outside.mkdir()
    save(dense_model(), outside / 'a.onnx')
    (inside / 'link').symlink_to(outside)
    node = builder(ros, inside, allowed_folders=[str(inside)])
    assert ros.call(Trigger, 'engine_builder/a/build').success
    node.set_parameters([Parameter(f'a.{name}', value=str(inside / 'link' / 'a.onnx'))])
    answer = ros.call(Trigger, 'engine_builder/a/build')
    assert not answer.success and f'{name} leads to {outside / "a.onnx"}' in answer.message
    result = node.set_parameters([Parameter('allowed_folders', value=['/'])])[0]
    assert not result.successful and 'when the node starts' in result.reason


def test_refused_or_unanswered_reload_is_reported(
        ros: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = builder(ros, tmp_path, a__force_engine_update=True)

    def refuse(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = 'not today'
        return response

    async def keep_silent(request: Trigger.Request, response: Trigger.Response
                          ) -> Trigger.Response:
        await Future(executor=ros.executor)
        return response
    monkeypatch.setattr('edge_trt_ros.ros.builder.reload_call.ANSWER_S', 0.5)
    for service, answer, sentence in (('/refuse', refuse, '/refuse refused: not today'),
                                      ('/silent', keep_silent, '/silent has not answered')):
        ros.peer.create_service(Trigger, service, answer, callback_group=ReentrantCallbackGroup())
        node.set_parameters([Parameter('a.reload_service', value=service)])
        built = ros.call(Trigger, 'engine_builder/a/build')
        assert built.success and sentence in built.message
