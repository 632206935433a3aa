# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a network reads, and how samples fill its input tensors."""

from __future__ import annotations

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.inputs import TEXT_PARTS
from edge_trt_ros.convert.graph.metadata import (image_input_from_metadata, image_input_from_text,
                                                 INPUT_CONTRACT)
from edge_trt_ros.convert.graph.own_pixels import pixels_inside
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.network_input import ImageInput, NetworkInput, TextInput


# The tasks whose networks are mostly trained with a mean and a std, and what else they need.
_NORMALISED = {'classify': ', "crop_fraction": 0.875', 'semantic': ', "fit": "squash"',
               'depth': ', "resize": "pillow_bicubic"'}


def input_kinds(checked: CheckedOnnx, found: RecognisedHead, options: BuildOptions
                ) -> tuple[NetworkInput, ...]:
    """
    Return what a network reads, and how that fills its input tensors.

    :param checked: the network.
    :param found: its head, which defines the default preprocessing.
    :param options: the build options.
    :raises ModelError: if the stated preprocessing is invalid.
    """
    if checked.contract is not None:
        return checked.contract.kinds
    if checked.reads_text:
        return (text_input(checked),)
    tensor = checked.inputs[0].name
    default = ImageInput(checked.size_wh, tensor=tensor,
                         **{**found.reading.image_input, **pixels_inside(checked)})
    if options.input_contract:
        return (image_input_from_text(options.input_contract,
                                      ImageInput(checked.size_wh, tensor=tensor, fit=default.fit,
                                                 resize=default.resize),
                                      'input_contract'),)
    return (image_input_from_metadata(checked.metadata, default),)


def assumption(checked: CheckedOnnx, found: RecognisedHead, input_contract: str) -> str:
    """
    Return what is assumed about the pixels of a network whose trainers often normalise.

    :param checked: the network.
    :param found: its head.
    :param input_contract: the preprocessing that the user states, or ''.
    :returns: '' if its file, its graph, its head or the user states it.
    """
    # Ultralytics trains with values of 0 to 1. Its exports name their author.
    if found.task not in _NORMALISED or input_contract \
            or INPUT_CONTRACT in checked.metadata or 'mean' in found.reading.image_input \
            or checked.metadata.get('author') == 'Ultralytics' or pixels_inside(checked):
        return ''
    return ('nothing states mean and std, so none are applied: most networks of PyTorch '
            'need --input-contract \'{"mean": [0.485, 0.456, 0.406], '
            '"std": [0.229, 0.224, 0.225]' + _NORMALISED[found.task] + "}'")


def text_input(checked: CheckedOnnx) -> TextInput:
    """Return how a text fills the input tensors of a network that reads texts."""
    return TextInput(checked.inputs[0].shape[1],
                     {tensor.name: TEXT_PARTS[tensor.name] for tensor in checked.inputs},
                     checked.tokenizer)
