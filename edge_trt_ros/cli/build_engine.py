"""ONNX to an installed engine and its manifest, with a progress bar."""

from __future__ import annotations

import argparse
from pathlib import Path
from time import monotonic, sleep

from edge_trt_ros.cli._command import (DONE, print_json, progress_bar, REFRESH_S, REFUSED,
                                       run_command)
from edge_trt_ros.convert.adopt import adopt_engine
from edge_trt_ros.convert.build_job import BuildJob, BuildOutcome
from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.labels import labels_from_file
from edge_trt_ros.convert.onnx_verdict import judge_onnx
from edge_trt_ros.convert.options import (BACKENDS, CALIBRATION_METHODS, ConversionRecipe,
                                          numbers_from_text, PRECISIONS, shape_from_text, TASKS)


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog='build_engine', description=__doc__)
    parser.add_argument('onnx', type=Path, metavar='MODEL.onnx',
                        help="or an .engine of Ultralytics' exporter, taken over as it is")
    parser.add_argument('-o', '--output', type=Path, metavar='ENGINE')
    parser.add_argument('--backend', choices=BACKENDS, default='auto')
    parser.add_argument('--precision', choices=PRECISIONS, default='fp32')
    parser.add_argument('--input-shape', default='', metavar='1x3x640x640',
                        help='for an ONNX that leaves its dimensions open')
    parser.add_argument('--labels', default='', metavar='FILE',
                        help='one label a line, or a YAML file with names')
    parser.add_argument('--max-candidates', type=int, default=1000, metavar='K',
                        help='boxes that leave the device for each image, before NMS')
    parser.add_argument('--task', choices=TASKS[1:], default='',
                        help='what the network is for, if its ONNX does not state it')
    parser.add_argument('--anchors', default='', metavar='W,H,...',
                        help='anchors in pixels, for a YOLO exported without its grid')
    parser.add_argument('--input-contract', default='', metavar='JSON',
                        help='how pixels become the input, as {"color_order": "bgr", "scale": 1}')
    parser.add_argument('--calibration', default='', metavar='DIR|BAG',
                        help='images of what the robot will see, for int8 and for fp16 overflow')
    parser.add_argument('--calibration-topic', default='', metavar='TOPIC',
                        help='image topic of the bag, if it has more than one')
    parser.add_argument('--calibration-images', type=int, default=200, metavar='N')
    parser.add_argument('--calibration-method', choices=CALIBRATION_METHODS,
                        default='moving_average')
    parser.add_argument('--max-accuracy-drop', type=float, default=0.05, metavar='SHARE',
                        help='share of its boxes that int8 may lose before layers stay in fp16')
    parser.add_argument('--workspace-mb', type=int, default=0, metavar='MIB',
                        help='scratch memory that TensorRT may use; 0 sets no limit')
    parser.add_argument('--compute-capability', action='append', default=[], metavar='8.6',
                        help='GPU to build for with tensorrt_rtx, again for more (all of them)')
    parser.add_argument('--hardware-compatible', action='store_true',
                        help='with tensorrt: for every GPU from compute capability 8.0 on')
    parser.add_argument('--version-compatible', action='store_true',
                        help='with tensorrt: for its later versions, too')
    parser.add_argument('--sparsity', action='store_true',
                        help='the weights are pruned 2 of 4: allow kernels that skip zeros')
    parser.add_argument('--dla', action='store_true',
                        help='for a deep learning accelerator, what it lacks for the GPU')
    parser.add_argument('--check', action='store_true',
                        help='say whether it can be built, and build nothing')
    parser.add_argument('--force', action='store_true', help='build even if it is fresh')
    parser.add_argument('--json', action='store_true', help='the manifest as JSON on stdout')
    arguments = parser.parse_args()
    if arguments.output is None and not arguments.check:
        parser.error('say where the engine goes: -o ENGINE')

    def work() -> int:
        recipe = ConversionRecipe(
            backend=arguments.backend, precision=arguments.precision,
            input_shape=shape_from_text(arguments.input_shape),
            max_candidates=arguments.max_candidates, labels=labels_from_file(arguments.labels),
            anchors_wh=numbers_from_text(arguments.anchors),
            input_contract=arguments.input_contract, task=arguments.task,
            calibration=arguments.calibration,
            calibration_topic=arguments.calibration_topic,
            calibration_images=arguments.calibration_images,
            calibration_method=arguments.calibration_method,
            max_accuracy_drop=arguments.max_accuracy_drop,
            workspace_mb=arguments.workspace_mb,
            compute_capabilities=tuple(arguments.compute_capability),
            hardware_compatible=arguments.hardware_compatible,
            version_compatible=arguments.version_compatible, sparsity=arguments.sparsity,
            dla=arguments.dla)
        if arguments.check:
            verdict = judge_onnx(check_onnx(arguments.onnx, recipe.input_shape), recipe)
            if arguments.json:
                print_json({'onnx': str(arguments.onnx), 'facts': verdict.facts,
                            'problems': verdict.problems})
            else:
                print(verdict)
            return REFUSED if verdict.problems else DONE
        if arguments.onnx.suffix == '.engine':
            manifest = adopt_engine(arguments.onnx, arguments.output)
            if arguments.json:
                print_json({'engine': str(arguments.output), 'built': False,
                            'reason': 'taken over', 'manifest': manifest.to_dict()})
            else:
                print(f'{arguments.output}: taken over as it is, task {manifest.task} with '
                      f'{len(manifest.labels)} labels; not compared with its ONNX')
            return DONE
        job = BuildJob(arguments.onnx, arguments.output, recipe, arguments.force)
        try:
            outcome = _watch(job)
        finally:
            job.close()
        if arguments.json:
            print_json({'engine': str(arguments.output), 'built': bool(outcome.reason),
                        'reason': outcome.reason, 'manifest': outcome.manifest.to_dict()})
        else:
            print(f'{arguments.output}: {outcome.sentence()}')
        return DONE
    run_command(work)


def _watch(job: BuildJob) -> BuildOutcome:
    with progress_bar() as bar:
        shown = monotonic()
        while True:
            outcome = job.poll()
            bar.set_description_str(job.phase, refresh=False)
            bar.n = round(100 * job.fraction)
            if outcome is not None:
                return outcome
            # By the clock: `update` skips what it takes for too little, and the seconds stand.
            if monotonic() - shown > REFRESH_S:
                shown = monotonic()
                bar.refresh()
            sleep(0.05)


if __name__ == '__main__':
    main()
