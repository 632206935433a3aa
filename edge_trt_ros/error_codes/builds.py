# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The codes of a build: its files, its precision and its verification."""

from __future__ import annotations

from edge_trt_ros.error_codes.error_code import ErrorCode

BUILDS = {
    'nothing_compared': ErrorCode(
        'No output of the network changed on random inputs, so that nothing was compared.',
        'State the `range` of the inputs in the tensor contract so that the outputs change.'),
    'path_outside': ErrorCode(
        'A file of a model is outside of the allowed folders.',
        'Move the file, or add its folder to allowed_folders.'),
    'engine_path_shared': ErrorCode(
        'Two models write the same engine file.', 'Give each model its own engine_file_path.'),
    'engine_not_written': ErrorCode(
        'The engine cannot be written: the disk is full, or the folder is read-only.',
        'Make room, fix the permissions, or choose another engine_file_path.'),
    'precision_unsupported': ErrorCode(
        'The library or the GPU cannot compute in this precision.',
        'Choose one that the message names, or update the library.'),
    'calibration_missing': ErrorCode(
        'int8 needs calibration images, and there are none at this path.',
        'Set calibration to a folder of images or to a bag.'),
    'calibration_empty': ErrorCode(
        'The calibration folder contains no images.', 'Give a folder with images, or a bag.'),
    'calibration_image_broken': ErrorCode(
        'A calibration image cannot be decoded.', 'Remove it from the folder.'),
    'calibration_shows_nothing': ErrorCode(
        'Half of the calibration images or more are of one colour, or noise.',
        'Give images that the robot sees at work.'),
    'precision_not_reached': ErrorCode(
        'Most of the network would compute in another precision than the one that was asked for.',
        'Export the network with a fixed input shape, or choose fp32.'),
    'engine_differs': ErrorCode(
        'The engine does not compute what its ONNX computes.',
        'The message names the differences and their limits. For int8, calibrate on images like '
        'those of the robot, or choose fp16; for fp16, give calibration images or choose fp32.'),
    'nothing_detected': ErrorCode(
        'Nothing was detected on any image, and a verification is required.',
        'Give images that show what the network detects, and check the input contract.'),
    'reference_unavailable': ErrorCode(
        'ONNX Runtime cannot run the network, so there is nothing to compare the engine with.',
        'The message contains the reason. Export the network without that operator.'),
    'verification_onnx': ErrorCode(
        'An installed engine is to be verified, and the ONNX file is missing or another one.',
        'Put the ONNX file that it was built from next to it, or name it with --onnx.'),
    'verification_missing': ErrorCode(
        'The folder or bag of images for the verification does not exist or cannot be read.',
        'Correct its path, or leave it out.'),
    'verification_empty': ErrorCode(
        'The folder of images for the verification contains no images.',
        'Give a folder with images, or leave it out.'),
    'verification_images_broken': ErrorCode(
        'None of the images for the verification can be decoded.',
        'Give images in a format that OpenCV reads.'),
}
