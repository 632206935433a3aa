# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
A real Triton server for tests, from the environment that `environment/install_triton` makes.

The server listens on 127.0.0.1 only, and is killed when its `with` block ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import signal
import socket
import subprocess
import time

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = Path(os.environ.get('EDGE_TRT_ROS_TRITON', ROOT / '.venv-triton'))
NEEDS_TRITON = pytest.mark.skipif(
    not (ENVIRONMENT / 'backends').is_dir(),
    reason='there is no Triton server: run environment/install_triton')


class TritonServer:
    """
    A server with one model.

    :param repository: its model repository.
    :param model: name of the model to load.
    :param port: port of gRPC; the same after a restart.
    """

    def __init__(self, repository: Path, model: str) -> None:
        self.repository, self.model = repository, model
        self.port, self._http = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address as the node's parameter `server_url` takes it."""
        return f'grpc://127.0.0.1:{self.port}'

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        site = next(ENVIRONMENT.glob('lib/python3*/site-packages'))
        python = Path(os.path.realpath(ENVIRONMENT / 'bin' / 'python')).parents[1]
        environment = {'PATH': f'{ENVIRONMENT}/bin:/usr/bin:/bin', 'VIRTUAL_ENV': str(ENVIRONMENT),
                       'LD_LIBRARY_PATH': f"{site / 'nvidia_pytriton.libs'}:{python / 'lib'}"}
        log = (self.repository / 'server.log').open('ab')
        self._process = subprocess.Popen(
            [site / 'pytriton/tritonserver/bin/tritonserver',
             '--model-repository', self.repository, '--backend-directory',
             ENVIRONMENT / 'backends', '--grpc-address', '127.0.0.1', '--grpc-port',
             str(self.port), '--http-address', '127.0.0.1', '--http-port', str(self._http),
             '--allow-metrics', 'false', '--allow-gpu-metrics', 'false',
             '--model-control-mode', 'explicit', '--load-model', self.model],
            stdout=log, stderr=log, env=environment, start_new_session=True)
        log.close()
        wait_until(self._is_ready, 20, lambda: self.log())

    def kill(self) -> None:
        """End the server at once, as a crash would, and its back ends with it."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(10)
        self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and to its back ends."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def log(self) -> str:
        """Return the end of what the server printed."""
        return (self.repository / 'server.log').read_text(errors='replace')[-2000:]

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f'the server ended: {self.log()}')
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', self.port)):
                return False
        import tritonclient.grpc as triton
        with triton.InferenceServerClient(f'127.0.0.1:{self.port}') as client:
            try:
                return bool(client.is_model_ready(self.model, client_timeout=1.0))
            except triton.InferenceServerException:
                return False


@contextmanager
def running(repository: Path, model: str) -> Iterator[TritonServer]:
    """Run a server while a block runs."""
    server = TritonServer(repository, model)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as listening:
        listening.bind(('127.0.0.1', 0))
        return int(listening.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float,
               explain: Callable[[], str] = lambda: '') -> None:
    """Wait until a condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f'not within {seconds} s: {explain()}')
        time.sleep(0.02)
