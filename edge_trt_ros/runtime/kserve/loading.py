# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Asks a server to load the newest version of a model."""

from __future__ import annotations

from edge_trt_ros.optional_libraries import require
from edge_trt_ros.runtime.kserve.options import ServerOptions
from edge_trt_ros.runtime.kserve.problems import server_error

# A large engine is read, and runs its warm-up.
_LOAD_S = 300.0


def load_on_server(options: ServerOptions) -> str:
    """
    Load the newest version of a model; the version before serves until it is ready.

    :param options: the model on its server, which was started with `--model-control-mode
        explicit`.
    :returns: what was done, as a clause.
    :raises ServerError: if the server cannot be reached or cannot load the model.
    """
    library = require('tritonclient.grpc', 'loading a served model')
    with library.InferenceServerClient(options.host_port, creds=options.credentials()) as client:
        try:
            client.load_model(options.name, headers=options.headers(), client_timeout=_LOAD_S)
        except library.InferenceServerException as error:
            status = str(error.status() or '').rpartition('.')[2]
            raise server_error(options.url, status, error.message()) from error
    return f'loaded on {options.url}'
