# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Where a built engine is served: the model repository, and the server that loads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.runtime.kserve.loading import load_on_server
from edge_trt_ros.runtime.kserve.options import ServerOptions
from edge_trt_ros.runtime.select import ONNXRUNTIME

# Back ends of a server that run an ONNX engine; NVIDIA's images contain the first.
ONNX_BACKENDS = (ONNXRUNTIME, 'python')


@dataclass(frozen=True)
class ServeDestination:
    """
    Where a built engine is served.

    :param folder: the model repository; the name of the engine file is that of the model.
    :param backend: the server's back end for an ONNX.
    :param url: address of the server that is asked to load it; '' for none.
    :param token_path: file with the token of the server; '' sends none.
    :param certificate_path: file with the certificates that sign the server's.
    """

    folder: Path
    backend: str
    url: str = ''
    token_path: str = ''
    certificate_path: str = ''

    def options(self, engine_path: Path) -> ServerOptions | None:
        """
        Return the model on the server; None without a server.

        :raises ConfigurationError: if the address is invalid.
        """
        return ServerOptions(self.url, engine_path.stem, token_path=self.token_path,
                             certificate_path=self.certificate_path) if self.url else None

    def serve(self, engine_path: Path) -> str:
        """
        Write an engine to the repository and let the server load it.

        :param engine_path: the installed engine.
        :returns: what was done, as a sentence.
        :raises EdgeTrtError: if it cannot be written or loaded; the version before serves on.
        """
        # Imports onnx, which a node must not load.
        from edge_trt_ros.convert.serve.repository import write_served_model
        options = self.options(engine_path)
        written = write_served_model(
            self.folder, engine_path.stem, *read_engine(engine_path), self.backend).sentence()
        return f'{written}; {load_on_server(options)}' if options else written
