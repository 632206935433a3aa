# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The codes of models on a server (`runtime.kserve`)."""

from __future__ import annotations

from edge_trt_ros.error_codes.error_code import ErrorCode

SERVED = {
    'served_model_unknown': ErrorCode(
        'The server has a model of this name that edge_trt_ros did not write.',
        'Write it with `build_engine --serve`, or correct the name of the model.'),
    'served_model_damaged': ErrorCode(
        'The files of a served model do not belong together, or one is damaged.',
        'Write the model again with `build_engine --serve`.'),
    'served_model_missing': ErrorCode(
        'The server does not have the model, or not this version of it.',
        'Load it on the server, or correct server_model.'),
    'served_model_differs': ErrorCode(
        'The served model is another one than expected, or than the local engine.',
        'The message names what differs. Serve the expected engine, or call ~/reload.'),
    'server_unreachable': ErrorCode(
        'There is no connection to the server.',
        'Start the server, check the network, or correct server_url.'),
    'server_address': ErrorCode(
        'The address of the server cannot be read or resolved.',
        'Write server_url as grpc://HOST:PORT or grpcs://HOST:PORT.'),
    'server_certificate': ErrorCode(
        'The certificate of the server does not fit, or the connection is not encrypted.',
        'Correct server_certificate_file_path, or use the name that is in the certificate.'),
    'server_refused': ErrorCode(
        'The server does not accept the token.',
        'Correct the file of server_token_file_path.'),
    'server_slow': ErrorCode(
        'The server did not answer within the deadline of a request.',
        'Lower the load of the server, raise max_frame_age_ms, or set a fallback.'),
    'server_answer': ErrorCode(
        'The answer of the server is not an answer of this model.',
        'Look into the log of the server. Write the model again with `build_engine --serve`.'),
    'server_error': ErrorCode(
        'The server failed on a request.',
        'The message contains what the server says. Look into its log.'),
    'serve_folder': ErrorCode(
        'The folder of a model repository cannot be written.',
        'Choose another folder, correct its permissions or make room.'),
}
