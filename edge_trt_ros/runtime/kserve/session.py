# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""One connection to a served model, from its identity to its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from itertools import count
from typing import Any, TypeVar

from numpy.typing import NDArray

from edge_trt_ros.errors import ManifestError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.optional_libraries import require
from edge_trt_ros.runtime.kserve.buffers import FrameBuffers
from edge_trt_ros.runtime.kserve.checks import check_identity, check_tensors, checked_outputs
from edge_trt_ros.runtime.kserve.options import ServerOptions
from edge_trt_ros.runtime.kserve.problems import server_error, ServerError
from edge_trt_ros.runtime.kserve.served_model import served_model

_CONNECT_S = 1.0
_LARGEST_BYTES = (1 << 31) - 1
T = TypeVar('T')
Outputs = Mapping[str, NDArray[Any]]


class Session:
    """
    A connection, whose identity was checked.

    :param options: the model on its server.
    :param expected: manifest that the model must have; None accepts any.
    :param slots: number of requests in flight.
    :param buffers: the frames of an earlier connection to the same model; None makes them.
    :raises ServerError: if the server or the model cannot be used.
    """

    def __init__(self, options: ServerOptions, expected: EngineManifest | None, slots: int,
                 buffers: FrameBuffers | None = None) -> None:
        self._client_library = require('tritonclient.grpc', 'a served engine')
        self._options, self._url = options, options.url
        self._numbers = count()
        self._headers = options.headers()
        self._client: Any = self._client_library.InferenceServerClient(
            options.host_port, creds=options.credentials(), channel_args=[
                ('grpc.max_send_message_length', -1),
                ('grpc.max_receive_message_length', _LARGEST_BYTES),
                # Each connection is a new one: the processes of a robot share none.
                ('grpc.use_local_subchannel_pool', 1)])
        self.buffers = buffers
        try:
            self._check(expected)
            self._share(slots)
            self.outputs(self.send(0))
        except BaseException:
            self.close()
            if buffers is None and self.buffers is not None:
                self.buffers.close()
            raise

    def send(self, slot: int) -> Future[Any]:
        """
        Send the tensors of a slot; the future is an answer for `outputs`.

        :raises ServerError: if the connection is closed.
        """
        number = str(next(self._numbers))
        answer: Future[Any] = Future()

        def received(result: Any, error: Any) -> None:
            if not answer.set_running_or_notify_cancel():
                return
            if error is not None:
                answer.set_exception(self._error(error))
            else:
                answer.set_result((number, result.get_response()))
        inputs = self._inputs[slot]
        if self.why_copied and self.buffers is not None:
            for name, tensor in inputs:
                tensor.set_data_from_numpy(self.buffers.tensors[slot][name])
        try:
            self._client.async_infer(
                self._options.name, [tensor for _, tensor in inputs], received, self.version,
                request_id=number, client_timeout=self._options.deadline_ms / 1e3,
                headers=self._headers)
        except (self._client_library.InferenceServerException, ValueError) as error:
            raise self._error(error) from error
        return answer

    def outputs(self, answer: Future[Any]) -> Outputs:
        """
        Wait for an answer and return its outputs.

        :raises ServerError: if it failed, is late, or is not an answer of this model.
        """
        try:
            # gRPC keeps the deadline; the second more is for a machine that is overloaded.
            number, response = answer.result(self._options.deadline_ms / 1e3 + 1.0)
        except TimeoutError:
            raise server_error(self._url, 'DEADLINE_EXCEEDED', 'no answer') from None
        return checked_outputs(response, number, self._options.name, self.version,
                               self.manifest.outputs, self._url)

    def close(self) -> None:
        """Close the connection; what is in flight fails."""
        self._client.close()

    def _check(self, expected: EngineManifest | None) -> None:
        name, asked = self._options.name, self._options.version
        metadata = self._call(lambda: self._client.get_model_metadata(
            name, asked, headers=self._headers, client_timeout=_CONNECT_S))
        config = self._call(lambda: self._client.get_model_config(
            name, asked, headers=self._headers, client_timeout=_CONNECT_S)).config
        self.version = asked or max(metadata.versions, key=_number, default='')
        parameters = {key: value.string_value for key, value in config.parameters.items()}
        try:
            self.served = served_model(parameters, f'{name} on {self._url}')
        except ManifestError as error:
            raise ServerError(str(error), code=error.code) from error
        self.manifest = self.served.manifest
        check_identity(expected, self.manifest, self._url)
        self._reads = check_tensors(metadata, self.served, self._url)

    def _share(self, slots: int) -> None:
        if self.buffers is None:
            self.buffers = FrameBuffers(self._reads, slots)
        self.why_copied = self.buffers.why_copied or self._why_not_shared(self.buffers)
        self._inputs = self.buffers.inputs(self._client_library.InferInput,
                                           shared=not self.why_copied)

    def _why_not_shared(self, buffers: FrameBuffers) -> str:
        try:
            # A segment stays registered where only the connection was lost.
            self._call(lambda: self._client.unregister_system_shared_memory(
                buffers.name, headers=self._headers, client_timeout=_CONNECT_S))
            self._call(lambda: self._client.register_system_shared_memory(
                buffers.name, f'/{buffers.name}', buffers.size_bytes, headers=self._headers,
                client_timeout=_CONNECT_S))
        except ServerError as error:
            if error.code in ('server_unreachable', 'server_slow'):
                raise
            return 'the server cannot read the shared memory of this host'
        return ''

    def _call(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (self._client_library.InferenceServerException, ValueError) as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> ServerError:
        if isinstance(error, ValueError):
            return server_error(self._url, 'UNAVAILABLE', 'the connection was closed')
        status = str(getattr(error, 'status', lambda: '')() or '').rpartition('.')[2]
        message = getattr(error, 'message', lambda: str(error))()
        return server_error(self._url, status, str(message))


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else -1
