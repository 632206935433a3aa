# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Export a trained network (PyTorch, TensorFlow) to ONNX and compare both."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.cli._progress import phase_bar
from edge_trt_ros.convert.labels import labels_from_file
from edge_trt_ros.errors import ConfigurationError, ManifestError
from edge_trt_ros.export.options import (DEFAULT_OPSET, DYNAMIC_AXES, ExportOptions,
                                         inputs_from_text)
from edge_trt_ros.files import read_file
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.optional_libraries import require_converter
from edge_trt_ros.sources.image_files import frame_from_file, image_paths
from edge_trt_ros.tensor_spec import TensorSpec


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(prog='export_onnx', description=__doc__)
    parser.add_argument('source', metavar='SOURCE', help='module:callable, a file written by '
                        'torch.jit.save, torch.export.save or torch.save, the name of a '
                        'torchvision model, a TensorFlow SavedModel or a Keras file')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='OUT.onnx',
                        help='ONNX file to write')
    parser.add_argument('--input-shape', action='append', default=[], required=True,
                        metavar='1x3x640x640', help='shape of an input, once for each; a dtype '
                        'other than float32 is appended: 1x128:int64')
    parser.add_argument('--input-names', default='', metavar='A,B', help='names of the inputs')
    parser.add_argument('--output-names', default='', metavar='A,B', help='names of the outputs')
    parser.add_argument('--dynamic', default='', metavar='AXES',
                        help=f"dynamic axes: {','.join(DYNAMIC_AXES)}")
    parser.add_argument('--opset', type=int, default=DEFAULT_OPSET, help='opset of the ONNX')
    parser.add_argument('--arguments', metavar='YAML', help='arguments of the callable, such as '
                        "'{classes: 3}', or a YAML file")
    parser.add_argument('--weights', type=Path, metavar='FILE',
                        help='state dict for the network that the callable returns')
    parser.add_argument('--trust-pickle', action='store_true',
                        help='load files that may run arbitrary code')
    parser.add_argument('--task', default='', help='task to write into the ONNX, such as detect')
    parser.add_argument('--labels', default='', metavar='FILE',
                        help='a text file with one label per line, or a YAML file with names')
    _add_contract(parser)
    parser.add_argument('--images', type=Path, nargs='+', default=[], metavar='FILE_OR_DIR',
                        help='images to compare on, in addition to random input')
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()

    def work() -> None:
        require_converter('this command')
        from edge_trt_ros.export.export import export_onnx
        inputs = inputs_from_text(arguments.input_shape, _names(arguments.input_names))
        options = ExportOptions(
            inputs, _names(arguments.output_names), frozenset(_names(arguments.dynamic)),
            arguments.opset, arguments.task, labels_from_file(arguments.labels),
            _contract(arguments, inputs))
        frames = [frame_from_file(path) for path in image_paths(arguments.images)]
        with phase_bar() as progress:
            report = export_onnx(
                arguments.source, arguments.output, options,
                arguments=_yaml(arguments.arguments), weights=arguments.weights,
                trust_pickle=arguments.trust_pickle, frames=frames, progress=progress)
        if arguments.json:
            print_json(report)
            return
        parity = report['parity']
        print(f"{report['onnx']}: {', '.join(report['inputs'])} to "
              f"{', '.join(report['outputs'])}, opset {report['opset']}, "
              f"{report['size_bytes'] / 1e6:.1f} MB; differs from {report['framework']} "
              f"by at most {parity['max_error']:.1e} on {parity['runs']} inputs "
              f"({parity['images']} images), argmax agreement {parity['argmax_agreement']:.2%}"
              + _float64_text(parity, report['framework']))
    run_command(work)


def _float64_text(parity: Mapping[str, Any], framework: str) -> str:
    if parity['float64_error'] is None:
        return ''
    return (f"; from float64, the ONNX differs by at most {parity['float64_error']:.1e} and "
            f"{framework.split()[0]} by {parity['framework_float64_error']:.1e}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(',')) if text else ()


def _add_contract(parser: argparse.ArgumentParser) -> None:
    contract = parser.add_argument_group(
        'input contract', 'how pixels become the input: (value * scale - mean) / std')
    contract.add_argument('--color-order', default='rgb', choices=('rgb', 'bgr'),
                          help='order of the colours that the network reads')
    contract.add_argument('--scale', type=float, default=1 / 255,
                          help='factor of each pixel value, applied first')
    contract.add_argument('--mean', default='0,0,0', metavar='R,G,B',
                          help='mean of each channel, subtracted after the scale')
    contract.add_argument('--std', default='1,1,1', metavar='R,G,B',
                          help='standard deviation by which each channel is divided')
    contract.add_argument('--pad-value', type=int, default=114,
                          help='grey value of the borders of the letterbox')


def _contract(arguments: argparse.Namespace, inputs: tuple[TensorSpec, ...]
              ) -> ImageInput | None:
    shape = inputs[0].shape
    if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3 or inputs[0].dtype != 'float32':
        return None
    try:
        mean, std = (tuple(map(float, text.split(','))) for text in (arguments.mean,
                                                                     arguments.std))
        return ImageInput((shape[3], shape[2]), arguments.color_order, scale=arguments.scale,
                          mean=mean, std=std,  # type: ignore[arg-type]  # checked there
                          pad_value=arguments.pad_value)
    except (ValueError, ManifestError):
        raise ConfigurationError(f'mean is {arguments.mean} and std {arguments.std}, expected '
                                 'three numbers each, and no std of 0: for example 0,0,0 and '
                                 '1,1,1') from None


def _yaml(text: str | None) -> Any:
    if text is None:
        return None
    try:
        path = Path(text)
        if path.suffix in ('.yaml', '.yml'):
            text = read_file(path).decode('utf-8')
        value = yaml.safe_load(text)
    except OSError as error:
        raise ConfigurationError(f'the arguments {text} cannot be read: {error.strerror}'
                                 ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the arguments are not YAML ({' '.join(str(error).split())}): "
                                 "give for example '{classes: 3}'") from error
    if not isinstance(value, (dict, list)):
        raise ConfigurationError(f"the arguments are '{value}', expected names with values such "
                                 "as '{classes: 3}', or a list")
    return value


if __name__ == '__main__':
    main()
