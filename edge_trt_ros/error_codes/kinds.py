# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The codes of the classes: for errors that are too rare for a code of their own."""

from __future__ import annotations

from edge_trt_ros.error_codes.error_code import ErrorCode

KINDS = {
    'error': ErrorCode(
        'An error without a code of its own.',
        'The message says what failed and what to do.'),
    'configuration': ErrorCode(
        'A parameter, a build option or a command-line value is invalid.',
        'The message names the value and what is expected. Correct it and try again.'),
    'model': ErrorCode(
        'The ONNX file, or the network to export, cannot be read or is not supported.',
        'The message names the part of the network. Export it again as the message says.'),
    'manifest': ErrorCode(
        'The manifest next to the engine contradicts itself or the engine.',
        'Build the engine again.'),
    'engine': ErrorCode(
        'The engine or its library cannot be used on this machine.',
        'The message names the reason. Run `inspect_engine ENGINE` to see what it was built for.'),
    'library_missing': ErrorCode(
        'An optional library is not installed.',
        'Run the command that the message contains.'),
    'image': ErrorCode(
        'An image, a text or a tensor does not fit its description or the network.',
        'The message names the topic or the file. Correct the publisher or the file.'),
    'bag': ErrorCode(
        'The bag cannot be read or written.',
        'The message names the bag and the topic.'),
    'network_output': ErrorCode(
        'The outputs of the network do not have the expected shape.',
        'Build the engine again from its ONNX.'),
    'build': ErrorCode(
        'The build failed. An engine that was installed before is unchanged.',
        'The message says in which phase. Correct what it names and build again.'),
    'canceled': ErrorCode(
        'The build was canceled. An engine that was installed before is unchanged.',
        'Build again when you need the engine.'),
}
