# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare an engine with the ONNX that it was built from, run by ONNX Runtime in float32."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.cli._progress import phase_bar
from edge_trt_ros.convert.compare.samples import frames_of, GIVEN, NamedSample
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.optional_libraries import require_converter
from edge_trt_ros.sources.image_files import image_paths
from edge_trt_ros.verification import sentence, warning


def main() -> None:
    """Parse the command line and verify."""
    parser = argparse.ArgumentParser(prog='verify_engine', description=__doc__)
    parser.add_argument('engine', type=Path, metavar='ENGINE', help='an engine with its manifest')
    parser.add_argument('--onnx', type=Path, metavar='MODEL.onnx', help='the ONNX it was built '
                        'from; default: ENGINE with the suffix .onnx')
    parser.add_argument('--images', type=Path, nargs='+', default=[], metavar='FILE_OR_DIR',
                        help='images to compare on, in addition to those of this package')
    parser.add_argument('--require-verification', action='store_true', help='fail if nothing is '
                        'detected on any image')
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()

    def work() -> None:
        require_converter('this command')
        from edge_trt_ros.convert.verify_installed import verify_installed
        onnx_path = arguments.onnx or arguments.engine.with_suffix('.onnx')
        with phase_bar() as progress:
            progress('read the images', 0.0)
            given = [NamedSample(frame, GIVEN)
                     for frame in frames_of(list(image_paths(arguments.images)))]
            engine, manifest = read_engine(arguments.engine)
            found = verify_installed(engine, manifest, onnx_path, given,
                                     progress=lambda done: progress('compare', done))
        precision = manifest.layers.get('precision', 'fp32')
        if arguments.require_verification and warning(found):
            raise ConfigurationError(f'{arguments.engine} is not verified: {warning(found)}',
                                     code='nothing_detected')
        if arguments.json:
            print_json({'engine': str(arguments.engine), 'onnx': str(onnx_path),
                        'precision': precision, **found})
            return
        print(f'{arguments.engine}: compared with {onnx_path} in {precision}: {sentence(found)}')
        if warning(found):
            print(f'warning: {warning(found)}', file=sys.stderr)
    run_command(work)


if __name__ == '__main__':
    main()
