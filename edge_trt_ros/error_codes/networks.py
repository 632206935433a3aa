# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The codes of reading, exporting and recognising a network."""

from __future__ import annotations

from edge_trt_ros.error_codes.error_code import ErrorCode

NETWORKS = {
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
    'depth_unstated': ErrorCode(
        'Nothing states whether the depth of a network is in metres or relative.',
        'State it with `--depth metric` or `--depth relative`.'),
    'channels_unsupported': ErrorCode(
        'The network reads images with another number of channels than 1 or 3.',
        'Export it for gray or colour images, or use the task `tensors`.'),
    'batch_not_reduced': ErrorCode(
        'The network was exported for several images, and cannot be reduced to one.',
        'Export it with a batch of 1, or with an open batch.'),
    'contract_missing': ErrorCode(
        'The network has other inputs than one picture or one text, and nothing describes them.',
        'Describe them in a tensor contract, and give it with `--tensor-contract`.'),
    'contract_invalid': ErrorCode(
        'The tensor contract cannot be read, or contradicts itself.',
        'The message names the tensor and what is expected. Correct the YAML file.'),
    'contract_unknown': ErrorCode(
        'The tensor contract names an input or output that the network lacks.',
        'The message lists what the network has. Correct the name.'),
    'contract_incomplete': ErrorCode(
        'The network has an input or output that the tensor contract omits.',
        'Add it to the contract.'),
    'contract_shape': ErrorCode(
        'A shape in the tensor contract differs from the network, or the network does not fix it.',
        'The message shows both. Correct the contract, or export with fixed shapes.'),
    'contract_dtype': ErrorCode(
        'A dtype in the tensor contract differs from that of the network.',
        'The message shows both. Correct the contract.'),
    'contract_state': ErrorCode(
        'A state has another shape or dtype than the output that it comes from.',
        'Export a network whose state keeps its shape and dtype, or correct the contract.'),
    'state_served': ErrorCode(
        'The network has a state, which a model server does not keep.',
        'Run the engine on the robot itself.'),
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
    'batch_fixed': ErrorCode(
        'max_batch is more than 1, and the network or its head computes single images only.',
        'Export the network with an open batch, or set max_batch to 1.'),
    'branch_on_data': ErrorCode(
        'The network to export branches on values of its input, which an ONNX cannot record.',
        'Compute both sides and choose with torch.where, or use torch.cond.'),
}
