# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A server that speaks the protocol over real gRPC and misbehaves: for failures only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
import subprocess
from typing import Any

from google.protobuf import text_format
import grpc
from support.triton import free_port
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc

from edge_trt_ros.runtime.kserve.served_model import CONFIG, newest_version

Change = Callable[[Any], None]
_ITEM_BYTES = {'TYPE_FP32': 4, 'TYPE_INT32': 4}


class MisbehavingServer(service_pb2_grpc.GRPCInferenceServiceServicer):
    """
    Answers for a model of a repository with zeros.

    :param folder: folder of the model.
    :ivar change: called with each answer before it is sent; may raise.
    :ivar change_metadata: called with the metadata of the model.
    :ivar token: the token that each request must carry; '' accepts all.
    """

    def __init__(self, folder: Path) -> None:
        self.config = text_format.Parse((folder / CONFIG).read_text(),
                                        model_config_pb2.ModelConfig())
        self._version = str(newest_version(folder))
        self.change: Change = lambda response: None
        self.change_metadata: Change = lambda response: None
        self.token = ''

    def ModelConfig(self, request: Any, context: Any) -> Any:
        self._admit(request, context)
        return service_pb2.ModelConfigResponse(config=self.config)

    def ModelMetadata(self, request: Any, context: Any) -> Any:
        self._admit(request, context)
        response = service_pb2.ModelMetadataResponse(name=request.name, versions=[self._version])
        for tensors, stated in ((response.inputs, self.config.input),
                                (response.outputs, self.config.output)):
            for tensor in stated:
                tensors.add(name=tensor.name, datatype=_type(tensor).removeprefix('TYPE_'),
                            shape=tensor.dims)
        self.change_metadata(response)
        return response

    def ModelInfer(self, request: Any, context: Any) -> Any:
        self._admit(request, context)
        response = service_pb2.ModelInferResponse(
            model_name=request.model_name, model_version=request.model_version, id=request.id)
        for tensor in self.config.output:
            response.outputs.add(name=tensor.name, datatype=_type(tensor).removeprefix('TYPE_'),
                                 shape=tensor.dims)
            size = _ITEM_BYTES[_type(tensor)]
            for length in tensor.dims:
                size *= length
            response.raw_output_contents.append(bytes(size))
        self.change(response)
        return response

    def _admit(self, request: Any, context: Any) -> None:
        name = getattr(request, 'model_name', '') or getattr(request, 'name', '')
        if self.token and dict(context.invocation_metadata()).get(
                'authorization') != f'Bearer {self.token}':
            context.abort(grpc.StatusCode.UNAUTHENTICATED, 'wrong token')
        if name != self.config.name:
            context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model '{name}'")


@contextmanager
def serving(server: MisbehavingServer, certificate: tuple[Path, Path] | None = None
            ) -> Iterator[str]:
    """Serve on 127.0.0.1 while a block runs; yield the address."""
    running = grpc.server(ThreadPoolExecutor(4))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(server, running)
    port = free_port()
    if certificate is None:
        running.add_insecure_port(f'127.0.0.1:{port}')
    else:
        key, chain = (path.read_bytes() for path in certificate)
        running.add_secure_port(f'127.0.0.1:{port}', grpc.ssl_server_credentials([(key, chain)]))
    running.start()
    try:
        yield f'grpcs://localhost:{port}' if certificate else f'grpc://127.0.0.1:{port}'
    finally:
        running.stop(None).wait(5)


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a key and a certificate that signs itself, for a host name."""
    folder.mkdir(exist_ok=True)
    key, chain = folder / 'key.pem', folder / 'certificate.pem'
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key,
         '-out', chain, '-subj', f'/CN={name}', '-addext', f'subjectAltName=DNS:{name}'],
        check=True, capture_output=True, timeout=60)
    return key, chain


def _type(tensor: Any) -> str:
    return str(model_config_pb2.DataType.Name(tensor.data_type))
