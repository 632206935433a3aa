# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a network reads, and how samples fill its input tensors."""

from __future__ import annotations

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.inputs import TEXT_PARTS
from edge_trt_ros.convert.graph.metadata import image_input_from_metadata, image_input_from_text
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.network_input import ImageInput, NetworkInput, TextInput


def input_kinds(checked: CheckedOnnx, found: RecognisedHead, options: BuildOptions
                ) -> tuple[NetworkInput, ...]:
    """
    Return what a network reads, and how that fills its input tensors.

    :param checked: the network.
    :param found: its head, which defines the default preprocessing.
    :param options: the build options.
    :raises ModelError: if the stated preprocessing is invalid.
    """
    if checked.reads_text:
        return (text_input(checked),)
    tensor = checked.inputs[0].name
    default = ImageInput(checked.size_wh, tensor=tensor, **found.reading.image_input)
    if options.input_contract:
        return (image_input_from_text(options.input_contract,
                                      ImageInput(checked.size_wh, tensor=tensor, fit=default.fit),
                                      'input_contract'),)
    return (image_input_from_metadata(checked.metadata, default),)


def text_input(checked: CheckedOnnx) -> TextInput:
    """Return how a text fills the input tensors of a network that reads texts."""
    return TextInput(checked.inputs[0].shape[1],
                     {tensor.name: TEXT_PARTS[tensor.name] for tensor in checked.inputs},
                     checked.tokenizer)
