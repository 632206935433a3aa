# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The stable error codes, each with its cause and its remedy in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edge_trt_ros.optional_libraries import missing_code, OPTIONAL_LIBRARIES


@dataclass(frozen=True)
class ErrorCode:
    """
    What an error code means.

    :param cause: what happened.
    :param remedy: what the user does about it.
    """

    cause: str
    remedy: str


# The codes of the classes: for errors that are too rare for a code of their own.
_KINDS = {
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

_RUN_THE_COMMAND = 'Run the command that the message contains.'
_LIBRARIES = {
    **{missing_code(name): ErrorCode(f'{library.title} is needed, and not installed.',
                                     _RUN_THE_COMMAND)
       for name, library in OPTIONAL_LIBRARIES.items()},
    'library_broken': ErrorCode(
        'A library is installed, but cannot be loaded: its files or its own libraries do not fit.',
        'The message contains the reason and the command that installs the library again.'),
    'pycuda_missing': ErrorCode(
        'PyCUDA is needed to run an engine on the GPU, and cannot be loaded.',
        'Install pycuda, built for the CUDA version of this machine.'),
    'tensorrt_missing': ErrorCode(
        'The TensorRT that the engine needs is not installed.',
        'The message says where this TensorRT comes from.'),
    'tensorrt_too_old': ErrorCode(
        'The installed TensorRT is older than 10.0.',
        'Install TensorRT 10 or later; on a Jetson it comes with JetPack 6 or later.'),
    'torchvision_missing': ErrorCode(
        'A torchvision model is to be exported, and torchvision is not installed.',
        _RUN_THE_COMMAND),
}

_NETWORKS = {
    'head_unknown': ErrorCode(
        'The outputs of the network match none of the known heads.',
        'The message lists the outputs. State the task, or export it as one of the known heads.'),
    'head_ambiguous': ErrorCode(
        'The outputs of the network can be read in two ways, and it is unknown which is right.',
        'The message says what to state. State it, or export the network again.'),
    'labels_missing': ErrorCode(
        'Neither the ONNX nor the user states how many classes the network has.',
        'Give labels, with `--labels` or labels_file_path.'),
    'labels_mismatch': ErrorCode(
        'The given labels differ from the labels in the ONNX, or from its number of classes.',
        'Omit the labels, give one for each class, or export with the correct labels.'),
    'anchors_missing': ErrorCode(
        'The network was exported without its grid, and its anchors are not known.',
        'Give the anchors in pixels, or export the network with its grid.'),
    'model_missing': ErrorCode(
        'There is no ONNX file at this path.', 'Correct the path.'),
    'model_empty': ErrorCode(
        'The ONNX file is empty.', 'Export or copy it again.'),
    'model_too_large': ErrorCode(
        'The ONNX file is larger than the largest file that is read.',
        'Export it with external data, or choose a smaller network.'),
    'not_onnx': ErrorCode(
        'The file is not an ONNX file, or contains no network.', 'Export or copy it again.'),
    'external_data_missing': ErrorCode(
        'The weights are in another file, which cannot be read.',
        'Copy it next to the ONNX file, or export with the weights inside.'),
    'external_data_outside': ErrorCode(
        'The ONNX file names weights outside of its own folder.',
        'Do not use a file that you do not trust. Otherwise export it again.'),
    'operator_unsupported': ErrorCode(
        'The network has an operator that the library does not support.',
        'The message names it. Export the network without it, or choose another library.'),
    'tokenizer_missing': ErrorCode(
        'The network reads texts, and its tokenizer.json is missing or cannot be read.',
        'Copy the tokenizer of the training next to the ONNX file.'),
    'weights_nan': ErrorCode(
        'A weight of the network is not a number.',
        'The training failed or the file is damaged. Train or export it again.'),
}

_BUILDER = {
    'path_outside': ErrorCode(
        'A file of a model is outside of the allowed folders.',
        'Move the file, or add its folder to allowed_folders.'),
    'engine_path_shared': ErrorCode(
        'Two models write the same engine file.', 'Give each model its own engine_file_path.'),
}

# Of models on a server (`runtime.kserve`).
_SERVED = {
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

# From `edge_trt_ros.open_model`.
_MODELS = {
    'image_missing': ErrorCode(
        'The image is None, which cv2.imread returns for a file that it cannot read.',
        'Check the path of the image.'),
    'model_closed': ErrorCode(
        'A model was called after it was closed.',
        'Call it inside its `with` block, or open it again with open_model.'),
}

_EXPORT = {
    'branch_on_data': ErrorCode(
        'The network to export branches on values of its input, which an ONNX cannot record.',
        'Compute both sides and choose with torch.where, or use torch.cond.'),
}

_PRECISION = {
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
    'precision_not_reached': ErrorCode(
        'Most of the network would compute in another precision than the one that was asked for.',
        'Export the network with a fixed input shape, or choose fp32.'),
}

_VERIFICATION = {
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

# From loading an engine on a machine that it was not built for.
_MACHINES = {
    'dla_missing': ErrorCode(
        'This machine has no such DLA core.', 'Build without dla, or on a Jetson with a DLA.'),
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
}

ERROR_CODES: Mapping[str, ErrorCode] = MappingProxyType(
    {**_KINDS, **_LIBRARIES, **_NETWORKS, **_BUILDER, **_SERVED, **_MODELS, **_EXPORT,
     **_PRECISION, **_VERIFICATION, **_MACHINES})
