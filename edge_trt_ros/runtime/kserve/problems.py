# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Errors of a server, each with a stable code and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edge_trt_ros.errors import EngineError

# By the status of gRPC: code, what failed, what to do.
_BY_STATUS: Mapping[str, tuple[str, str, str]] = MappingProxyType({
    'UNAVAILABLE': ('server_unreachable', 'cannot be reached',
                    'start it, or correct server_url'),
    'DEADLINE_EXCEEDED': ('server_slow', 'did not answer in time',
                          'lower its load, raise max_frame_age_ms, or set '
                          'fallback_engine_file_path'),
    'UNAUTHENTICATED': ('server_refused', 'does not accept the token',
                        'correct the file of server_token_file_path'),
    'PERMISSION_DENIED': ('server_refused', 'does not accept the token',
                          'correct the file of server_token_file_path'),
    'NOT_FOUND': ('served_model_missing', 'does not have the model',
                  'load it there, or correct server_model'),
    'UNIMPLEMENTED': ('served_model_unknown', 'does not tell the configuration of its models',
                      'use a Triton server'),
    'RESOURCE_EXHAUSTED': ('server_answer', 'sent more than the outputs of the model',
                           'write the model again with `build_engine --serve`'),
})
_OTHER = ('server_error', 'failed', 'look into its log')
# Words in the details of UNAVAILABLE that tell more than the status.
_BY_WORDS = (
    (('handshake', 'certificate', 'ssl'), 'server_certificate',
     'has a certificate that does not fit', 'correct server_certificate_file_path, or the name '
     'in server_url'),
    (('dns', 'resol'), 'server_address', 'has an address that cannot be resolved',
     'correct server_url'),
    (('unknown model', 'not at ready', 'not found'), *_BY_STATUS['NOT_FOUND']))


class ServerError(EngineError):
    """A server that cannot be used, or whose answer cannot; the next frame may succeed."""

    code = 'server_error'


def server_error(url: str, status: str, details: str) -> ServerError:
    """
    Return the error for a status of gRPC.

    :param url: address of the server.
    :param status: name of the status, as 'UNAVAILABLE'.
    :param details: what the server or gRPC says; the first line is shown.
    """
    code, what, remedy = _BY_STATUS.get(status, _OTHER)
    lower = details.lower()
    if status == 'UNAVAILABLE':
        for words, *known in _BY_WORDS:
            if any(word in lower for word in words):
                code, what, remedy = known
                break
    lines = details.strip().splitlines()
    said = lines[0][:200] if lines else status
    return ServerError(f'the server {url} {what} ({said}): {remedy}', code=code)
