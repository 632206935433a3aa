# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare an engine with the ONNX that it was built from, run by ONNX Runtime in float32."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.cli._progress import phase_bar
from edge_trt_ros.convert.compare.limits import LIMITS
from edge_trt_ros.convert.options import options_from_dict
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.heads import Given, recognise
from edge_trt_ros.optional_libraries import require_converter
from edge_trt_ros.runtime.select import open_runtime
from edge_trt_ros.sources.image_files import frame_from_file, image_paths


def main() -> None:
    """Parse the command line and verify."""
    parser = argparse.ArgumentParser(prog='verify_engine', description=__doc__)
    parser.add_argument('engine', type=Path, metavar='ENGINE', help='an engine with its manifest')
    parser.add_argument('--onnx', type=Path, metavar='MODEL.onnx', help='the ONNX it was built '
                        'from; default: ENGINE with the suffix .onnx')
    parser.add_argument('--images', type=Path, nargs='+', default=[], metavar='FILE_OR_DIR',
                        help='images to compare on; default: noise and a gray image')
    parser.add_argument('--backend', default='auto', help='library that must run it')
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()

    def work() -> None:
        require_converter('this command')
        from edge_trt_ros.convert.graph.check import check_onnx
        from edge_trt_ros.convert.verify import verify
        onnx_path = arguments.onnx or arguments.engine.with_suffix('.onnx')
        with phase_bar() as progress, \
                open_runtime(arguments.engine, arguments.backend).runtime as runtime:
            progress('read the images', 0.0)
            frames = [frame_from_file(path) for path in image_paths(arguments.images)]
            manifest = runtime.manifest
            options = options_from_dict(manifest.options)
            checked = check_onnx(onnx_path, options.input_shape)
            if checked.sha256 != manifest.onnx_sha256:
                raise ConfigurationError(
                    f'{onnx_path} is {checked.sha256[:12]}, but the engine was built from '
                    f'{manifest.onnx_sha256[:12]}: give that file with --onnx, or rebuild the '
                    'engine')
            precision = str(manifest.layers.get('precision', 'fp32'))
            given = Given(options.task, options.labels, options.anchors_wh)
            found = verify(runtime, checked, recognise(checked, given, checked.reads_text),
                           frames, precision, lambda done: progress('compare', done))
        if arguments.json:
            print_json({'engine': str(arguments.engine), 'onnx': str(onnx_path),
                        'precision': precision, **found})
            return
        if 'agreement' in found:
            print(f"{arguments.engine}: agrees with {onnx_path} on {found['frames']} images, "
                  f"{found['agreement']}")
            return
        limits = LIMITS[precision]
        print(f"{arguments.engine}: agrees with {onnx_path} in {precision} on {found['frames']} "
              f"images, {found['boxes']} boxes within {found['max_box_error_px']} px (allowed "
              f"{limits.box_px}) and {found['max_score_error']} in score (allowed {limits.score})")
    run_command(work)


if __name__ == '__main__':
    main()
