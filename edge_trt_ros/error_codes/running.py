# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The codes of using an engine: on another machine than its own, and in Python."""

from __future__ import annotations

from edge_trt_ros.error_codes.error_code import ErrorCode

RUNNING = {
    'depth_invalid': ErrorCode(
        'Most of the depths that a network returned are negative, 0 or infinite.',
        'If its depth is relative, build it with `--depth relative`. Else correct its input.'),
    'dla_missing': ErrorCode(
        'This machine has no such DLA core.', 'Build without dla, or on a Jetson with a DLA.'),
    'dla_unused': ErrorCode(
        'No layer of the network can run on the DLA with this TensorRT.',
        'Build without dla, or in fp16.'),
    'engine_gpu': ErrorCode(
        'The engine is built for GPUs of another compute capability.',
        'Build it on this machine, or with hardware_compatible.'),
    'engine_library': ErrorCode(
        'The engine is built for the other TensorRT (tensorrt or tensorrt_rtx).',
        'Build it on this machine, or install that library.'),
    'engine_platform': ErrorCode(
        'It is built on another operating system or processor.', 'Build it on this machine.'),
    'engine_version': ErrorCode(
        'The engine is built with a version of TensorRT that the installed one cannot run.',
        'Build it on this machine. Engines outlast an update if built with version_compatible.'),
    'image_missing': ErrorCode(
        'The image is None, which cv2.imread returns for a file that it cannot read.',
        'Check the path of the image.'),
    'model_closed': ErrorCode(
        'A model was called after it was closed.',
        'Call it inside its `with` block, or open it again with open_model.'),
    'tensor_differs': ErrorCode(
        'A tensor for a network is missing, or has another name, shape or dtype than its input.',
        'The message shows both. Correct the publisher or the caller.'),
    'tensor_not_finite': ErrorCode(
        'A tensor for a network contains values that are NaN or infinite.',
        'Correct the publisher or the caller.'),
    'state_missing': ErrorCode(
        'A state is to be reset, and the network has none.',
        'Call this only for a network whose tensor contract has a state.'),
    'signature_key': ErrorCode(
        'The file of a key cannot be read, or contains another kind of key.',
        'Give a PEM file with Ed25519 keys, as `sign_engine --new-key` writes them.'),
    'signature_missing': ErrorCode(
        'A public key is set, and the engine is not signed.',
        'If you trust the engine, sign it with `sign_engine`.'),
    'signature_wrong': ErrorCode(
        'A public key is set, and the engine was changed after it was signed, or another key '
        'signed it.',
        'Copy the engine, its manifest and its signature again. Sign it only if you trust it.'),
}
