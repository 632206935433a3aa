# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Which server runs the network, and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import re
from typing import Any

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.files import read_file
from edge_trt_ros.optional_libraries import require

_URL = re.compile(r'(grpcs?)://([A-Za-z0-9_.-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})')
_MODEL = re.compile(r'([A-Za-z0-9_][A-Za-z0-9_.-]*)(?:/([0-9]{1,18}))?')
_MAX_FILE_BYTES = 1 << 20
# Value of the node's parameter `backend`.
KSERVE = 'kserve'
DEFAULT_DEADLINE_MS = 1000.0


@dataclass(frozen=True)
class ServerOptions:
    """
    A model on a server.

    :param url: 'grpc://host:port', or 'grpcs://host:port' for an encrypted connection.
    :param model: its name, or name and version as 'road/3'.
    :param deadline_ms: an answer that takes longer is a failure.
    :param token_path: file with the token that is sent with each request; '' sends none.
    :param certificate_path: file with the certificates that sign the server's, PEM; '' uses
        those of the system.
    :raises ConfigurationError: names the value and what is expected.
    """

    url: str
    model: str
    deadline_ms: float = DEFAULT_DEADLINE_MS
    token_path: str = ''
    certificate_path: str = ''

    def __post_init__(self) -> None:
        address = _URL.fullmatch(self.url)
        if address is None or not 0 < int(address.group(3)) < 65536:
            raise ConfigurationError(f"server_url is '{self.url}', expected an address such as "
                                     'grpc://192.168.1.20:8001, or grpcs:// for an encrypted '
                                     'connection', code='server_address')
        if _MODEL.fullmatch(self.model) is None:
            raise ConfigurationError(f"server_model is '{self.model}', expected the name of a "
                                     'model on the server, such as road, or road/3 for its '
                                     'version 3')
        if not self.is_encrypted and (self.token_path or self.certificate_path):
            raise ConfigurationError(f'the connection to {self.url} is not encrypted, so no token '
                                     'is sent and no certificate checked: use grpcs://, or leave '
                                     'server_token_file_path and server_certificate_file_path '
                                     'empty', code='server_certificate')

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is encrypted."""
        return self.url.startswith('grpcs://')

    @property
    def host_port(self) -> str:
        """Host and port, as gRPC takes them."""
        return self.url.partition('://')[2]

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.partition('/')[0]

    @property
    def version(self) -> str:
        """The version that is asked for; '' is the newest."""
        return self.model.partition('/')[2]

    def headers(self) -> dict[str, str]:
        """Return the headers of each request: the token, read anew."""
        if not self.token_path:
            return {}
        token = _read(self.token_path, 'server_token_file_path').decode('ascii', 'ignore').strip()
        if not token or not token.isprintable():
            raise ConfigurationError(f'{self.token_path} of server_token_file_path contains no '
                                     'token: write one line of text into it',
                                     code='server_refused')
        return {'authorization': f'Bearer {token}'}

    def credentials(self) -> Any:
        """Return gRPC's credentials of an encrypted connection; None for a plain one."""
        if not self.is_encrypted:
            return None
        require('tritonclient.grpc', 'a served engine')
        import grpc  # comes with the client
        roots = _read(self.certificate_path, 'server_certificate_file_path') \
            if self.certificate_path else None
        return grpc.ssl_channel_credentials(roots)


def _read(path: str, parameter: str) -> bytes:
    try:
        return read_file(Path(path).expanduser(), _MAX_FILE_BYTES)
    except OSError as error:
        raise ConfigurationError(f'{path} of {parameter} cannot be read: {error.strerror}'
                                 ) from error
