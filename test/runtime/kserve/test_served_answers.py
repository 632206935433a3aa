# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Wrong answers of a server: one sentence with a stable code each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
import shutil
import time
from typing import Any

import pytest
from support.frames import noise_frame
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.serve.repository import write_served_model
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.error_codes import ERROR_CODES
from edge_trt_ros.errors import ConfigurationError, EdgeTrtError
from edge_trt_ros.runtime.kserve.opening import open_served
from edge_trt_ros.runtime.kserve.options import ServerOptions
from edge_trt_ros.runtime.kserve.runtime import KServeRuntime
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.select import open_runtime
from edge_trt_ros.vision.thresholds import Thresholds

fake: Any = pytest.importorskip(
    'support.misbehaving_server', reason='served engines need tritonclient[grpc]')


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('answers')
    build_engine(save(dense_model(), folder / 'm.onnx'), folder / 'm.engine', BuildOptions())
    return folder / 'm.engine'


@pytest.fixture
def server(engine: Path, tmp_path: Path) -> Any:
    written = write_served_model(tmp_path, 'road', *read_engine(engine))
    return fake.MisbehavingServer(written.folder)


@pytest.fixture
def url(server: Any) -> Iterator[str]:
    with fake.serving(server) as address:
        yield address


def check_error(error: EdgeTrtError, code: str, words: str) -> None:
    """Check that an error is one sentence with a known code, and names the cause."""
    assert error.code == code and code in ERROR_CODES, error
    assert len(str(error).splitlines()) == 1 and words in str(error)


def test_copied_frames_where_the_server_reads_no_shared_memory(url: str) -> None:
    with KServeRuntime(ServerOptions(url, 'road')) as runtime:
        assert 'copied, since the server cannot read' in runtime.reason
        infer(runtime, noise_frame(), Thresholds())


def short(response: Any) -> None:
    response.raw_output_contents[0] = response.raw_output_contents[0][:-4]


def huge(response: Any) -> None:
    response.raw_output_contents[0] = bytes(1 << 20)


def not_finite(response: Any) -> None:
    response.raw_output_contents[1] = b'\xff' * len(response.raw_output_contents[1])


def without_an_output(response: Any) -> None:
    del response.outputs[0], response.raw_output_contents[0]


@pytest.mark.parametrize('change, words', [
    (short, 'bytes of the output'), (huge, 'bytes of the output'),
    (not_finite, 'NaN or infinite'), (without_an_output, 'did not send the output'),
    (lambda response: response.raw_output_contents.pop(), 'tensors, and describes'),
    (lambda response: setattr(response, 'id', '77'), "answered the request '77' instead of"),
    (lambda response: setattr(response, 'model_version', '9'), 'model road/9 instead of road/1'),
    (lambda response: response.outputs[0].shape.append(3), "sent the output 'boxes_xyxy' as"),
    (lambda response: setattr(response.outputs[0], 'datatype', 'INT64'), 'as INT64')])
def test_nonsense(server: Any, url: str, engine: Path, change: Any, words: str
                  ) -> None:
    with KServeRuntime(ServerOptions(url, 'road')) as runtime:
        server.change = change
        with pytest.raises(EdgeTrtError) as caught:
            infer(runtime, noise_frame(), Thresholds())
        check_error(caught.value, 'server_answer', words)
        with pytest.raises(EdgeTrtError):
            runtime.submit(noise_frame())
    # With a local engine no frame is lost.
    server.change = lambda response: None
    opened = open_served(ServerOptions(url, 'road'), fallback=open_runtime(engine))
    with opened.runtime as both, open_runtime(engine).runtime as local:
        server.change = change
        found, _ = infer(both, noise_frame(), Thresholds(0.1))
        expected, _ = infer(local, noise_frame(), Thresholds(0.1))
        assert len(found) == len(expected) > 0
        assert opened.watch is not None and words in opened.watch.problem()


def test_a_late_answer_is_a_failure_and_is_not_taken_for_the_next_one(
        server: Any, url: str) -> None:
    with KServeRuntime(ServerOptions(url, 'road', deadline_ms=200)) as runtime:
        server.change = lambda response: time.sleep(0.6)
        started = time.monotonic()
        with pytest.raises(EdgeTrtError) as caught:
            infer(runtime, noise_frame(), Thresholds())
        assert time.monotonic() - started < 0.5
        check_error(caught.value, 'server_slow', 'did not answer in time')
        server.change = lambda response: None
        deadline = time.monotonic() + 5
        while runtime.link.session is None and time.monotonic() < deadline:
            time.sleep(0.02)
        for _ in range(20):
            infer(runtime, noise_frame(), Thresholds())


def test_other_tensors_than_the_manifest(server: Any, url: str) -> None:
    def other_shape(response: Any) -> None:
        response.inputs[0].shape[1] = 32

    def other_type(response: Any) -> None:
        response.outputs[0].datatype = 'INT64'
    for change, words in ((other_shape, 'reads pixels uint8[1, 32, 64, 3], expected'),
                          (other_type, 'returns boxes_xyxy int64')):
        server.change_metadata = change
        with pytest.raises(EdgeTrtError) as caught:
            KServeRuntime(ServerOptions(url, 'road'))
        check_error(caught.value, 'served_model_differs', words)


def test_another_model_than_expected(url: str, engine: Path, tmp_path: Path) -> None:
    with open_served(ServerOptions(url, 'road'), engine).runtime:
        pass
    for name in ('m.engine', 'm.engine.json'):
        shutil.copy(engine.with_name(name), tmp_path / name)
    path = tmp_path / 'm.engine.json'
    path.write_text(path.read_text().replace('"truck"', '"lorry"'))
    with pytest.raises(EdgeTrtError) as caught:
        open_served(ServerOptions(url, 'road'), tmp_path / 'm.engine')
    check_error(caught.value, 'served_model_differs', 'labels: ["car", "lorry", "pedestrian"], '
                'served ["car", "truck", "pedestrian"]')
    with pytest.raises(ConfigurationError) as refused:
        open_served(ServerOptions(url, 'road'), None, open_runtime(tmp_path / 'm.engine'))
    check_error(refused.value, 'served_model_differs', 'the labels of the served engine and of')


def test_a_model_that_is_not_there_or_not_ours(server: Any, url: str) -> None:
    with pytest.raises(EdgeTrtError) as caught:
        KServeRuntime(ServerOptions(url, 'lane'))
    check_error(caught.value, 'served_model_missing', 'does not have the model')
    server.config.parameters.clear()
    with pytest.raises(EdgeTrtError) as caught:
        KServeRuntime(ServerOptions(url, 'road'))
    check_error(caught.value, 'served_model_unknown', 'not written by edge_trt_ros')


def test_tokens_and_certificates(server: Any, tmp_path: Path) -> None:
    server.token = 'the right one'
    token, wrong = tmp_path / 'token', tmp_path / 'wrong'
    token.write_text('the right one\n')
    wrong.write_text('another\n')
    ours, theirs = (fake.make_certificate(tmp_path / name, name)
                    for name in ('localhost', 'example'))
    with fake.serving(server, ours) as url:
        good = ServerOptions(url, 'road', token_path=str(token), certificate_path=str(ours[1]))
        with KServeRuntime(good) as runtime:
            infer(runtime, noise_frame(), Thresholds())
        for options, code in ((replace(good, token_path=str(wrong)), 'server_refused'),
                              (replace(good, token_path=''), 'server_refused'),
                              (replace(good, certificate_path=str(theirs[1])),
                               'server_certificate')):
            with pytest.raises(EdgeTrtError) as caught:
                KServeRuntime(options)
            check_error(caught.value, code, url)
            assert 'right one' not in str(caught.value)
        token.write_text('')
        with pytest.raises(ConfigurationError, match='contains no token'):
            KServeRuntime(good)


@pytest.mark.parametrize('url, code', [
    ('grpc://127.0.0.1:9', 'server_unreachable'),
    ('grpc://no-such-host.invalid:8001', 'server_address'),
    ('127.0.0.1:8001', 'server_address'), ('grpc://127.0.0.1:99999', 'server_address'),
    ('http://127.0.0.1:8000', 'server_address'), ('', 'server_address')])
def test_addresses(url: str, code: str) -> None:
    started = time.monotonic()
    with pytest.raises(EdgeTrtError) as caught:
        KServeRuntime(ServerOptions(url, 'road'))
    check_error(caught.value, code, url)
    assert time.monotonic() - started < 5


def test_a_token_needs_an_encrypted_connection() -> None:
    with pytest.raises(ConfigurationError, match='not encrypted') as caught:
        ServerOptions('grpc://127.0.0.1:9', 'road', token_path='/tmp/token')
    assert caught.value.code == 'server_certificate'
    with pytest.raises(ConfigurationError, match="server_model is 'a b'"):
        ServerOptions('grpc://127.0.0.1:9', 'a b')
