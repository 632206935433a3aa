# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare the accuracy of a network in several precisions on the same images."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.cli._options import add_options, read_options
from edge_trt_ros.cli._progress import phase_bar
from edge_trt_ros.convert.options import PRECISIONS
from edge_trt_ros.evaluation.accuracy_picture import accuracy_picture, COLUMNS
from edge_trt_ros.files import write_file
from edge_trt_ros.optional_libraries import require_converter
from edge_trt_ros.sources.image_files import frame_from_file, image_paths

# All options except the precision, which each row sets.
_OPTIONS = ('backend', 'input_shape', 'labels', 'anchors_wh', 'input_contract', 'task',
            'calibration', 'calibration_topic', 'calibration_images', 'calibration_method')


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog='accuracy_report', description=__doc__)
    parser.add_argument('onnx', type=Path, metavar='MODEL.onnx',
                        help='ONNX file to build and compare')
    parser.add_argument('--images', type=Path, nargs='+', required=True, metavar='FILE_OR_DIR',
                        help='images; YOLO label files next to them are used')
    parser.add_argument('--annotations', type=Path, metavar='COCO.json',
                        help='labels as a COCO file')
    parser.add_argument('--precisions', nargs='+', choices=PRECISIONS, default=['fp32', 'fp16'],
                        help='precisions to compare; the first is the reference')
    add_options(parser, _OPTIONS)
    parser.add_argument('--plot', type=Path, metavar='PNG', help='draw the table as a picture')
    parser.add_argument('--html', type=Path, metavar='FILE',
                        help='write a page with the table and the images that differ most')
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()

    def work() -> None:
        require_converter('this command')
        from edge_trt_ros.evaluation.accuracy import measure_accuracy
        from edge_trt_ros.evaluation.accuracy_page import write_accuracy_page
        options = read_options(arguments)
        with phase_bar(24) as progress:
            images = list(image_paths(arguments.images))
            accuracy = measure_accuracy(arguments.onnx, images, frame_from_file, options,
                                        arguments.precisions, arguments.annotations, progress)
        report = accuracy.report
        if arguments.plot:
            picture = cv2.imencode('.png', accuracy_picture(report))[1]
            write_file(arguments.plot, picture.tobytes())
        if arguments.html:
            write_accuracy_page(arguments.html, accuracy, images, frame_from_file)
        if arguments.json:
            print_json(report)
        else:
            _print_table(report)
    run_command(work)


def _print_table(report: Mapping[str, Any]) -> None:
    first = report['rows'][0]
    print(f"{report['onnx']}, {report['images']} images, built by {first['built_by']}, run by "
          f"{first['run_by']}; agreement and drift against {report['held_against']}")
    columns = [column for column in COLUMNS
               if any(row[column[1]] is not None for row in report['rows'])]
    print(''.join(f'{heading:>16}' for heading, *_ in columns))
    for row in report['rows']:
        print(''.join(f'{form.format(row[name]):>16}' for _, name, form, _ in columns))


if __name__ == '__main__':
    main()
