# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The commands as processes: exit status, errors as one sentence, only JSON on stdout."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys

import cv2
import numpy as np
import pytest
from support.models import dense_model, save


def run(*arguments: object, status: int = 0) -> tuple[str, str]:
    """Run an executable; return its stdout and stderr."""
    done = subprocess.run([sys.executable, '-m', 'edge_trt_ros', *map(str, arguments)],
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('cli')
    save(dense_model(), folder / 'tiny.onnx')
    out, _ = run('build_engine', folder / 'tiny.onnx', '-o', folder / 'tiny.engine', '--json')
    document = json.loads(out)
    assert document['built'] and document['manifest']['labels'] == ['car', 'truck', 'pedestrian']
    return folder / 'tiny.engine'


def test_fresh_engine_is_not_built_again(engine: Path) -> None:
    out, _ = run('build_engine', engine.with_suffix('.onnx'), '-o', engine)
    assert 'fresh already' in out


def test_detect_writes_json_lines_and_drawings(engine: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
    for name in ('a.png', 'b.jpg'):
        cv2.imwrite(str(tmp_path / name), image)
    out, _ = run('detect', engine, tmp_path, '--output', tmp_path / 'out', '--confidence', 0.1)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [Path(line['image']).name for line in lines] == ['a.png', 'b.jpg']
    assert lines[0]['detections'][0]['label'] in ('car', 'truck', 'pedestrian')
    assert cv2.imread(str(tmp_path / 'out' / 'a.png')).shape == (90, 160, 3)


@pytest.mark.parametrize('arguments, status, sentence', [
    (('build_engine', 'none.onnx', '-o', 'x.engine'), 1, 'there is no ONNX file'),
    (('build_engine',), 2, 'usage'),
    (('detect', 'none.engine', 'x.png'), 1, 'there is no engine file'),
    (('fly',), 2, "no executable 'fly'"),
    ((), 2, 'inference_node'),
])
def test_errors_are_one_sentence(arguments: tuple[str, ...], status: int, sentence: str,
                                 tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out, error = run(*arguments, status=status)
    assert sentence in error and 'Traceback' not in error and out == ''
    assert status == 2 or len(error.strip().splitlines()) == 1


def test_unreadable_images_are_reported(engine: Path, tmp_path: Path) -> None:
    (tmp_path / 'a.png').write_bytes(b'no picture')
    assert 'cannot be decoded' in run('detect', engine, tmp_path / 'a.png', status=1)[1]
    assert 'no such file' in run('detect', engine, tmp_path / 'c.png', status=1)[1]


def test_benchmark_reports_stages_and_plots_them(engine: Path) -> None:
    out, _ = run('benchmark', engine, '--frames', 20, '--source', '320x180', '--json', '--plot',
                 engine.with_name('stages.png'))
    report = json.loads(out)
    assert report['machine']['processor'] and report['machine']['onnxruntime']
    figures = report['engine']
    stages_ms = figures['stages_ms']
    assert {'preprocess', 'network', 'postprocess', 'message', 'host_work'} <= set(stages_ms)
    assert stages_ms['network']['p50'] <= stages_ms['bytes_to_results']['p99']
    assert figures['frames_per_second_2_in_flight'] > 0 and len(figures['input_sha256']) == 64
    picture = cv2.imread(str(engine.with_name('stages.png')))
    assert picture.shape[1] == 1200 and len(np.unique(picture.reshape(-1, 3), axis=0)) > 3
    again = json.loads(run('benchmark', engine, '--frames', 1, '--source', '320x180', '--json')[0])
    assert again['engine']['input_sha256'] == figures['input_sha256']


def test_benchmark_measures_the_node(engine: Path) -> None:
    out, _ = run('benchmark', engine, '--frames', 5, '--source', '320x180', '--node', 3, '--json')
    node = json.loads(out)['node']
    assert node['images'] == 90 and node['lost'] < 45
    assert 0 < node['latency_ms']['p50'] <= node['latency_ms']['p99']
    assert {'network', 'stamp_to_detections'} <= set(node['stages_ms'])
    assert 0 < node['start_s']['again'] < 30


def test_benchmark_rejects_contradictory_arguments(engine: Path) -> None:
    assert 'give an engine' in run('benchmark', status=2)[1]
    assert '--frames is 0' in run('benchmark', engine, '--frames', 0, status=2)[1]
    assert 'need an engine' in run('benchmark', '--plot', 'a.png', '--soak', 1, status=2)[1]
    assert 'needs an ONNX file' in run('benchmark', '--objects', 1, '--soak', 1, status=2)[1]
    assert 'at least 0' in run('benchmark', engine, '--objects', -1, status=2)[1]
    assert 'need --objects' in run('benchmark', engine, '--sizes', '64x64', status=2)[1]
    assert "'64', expected" in run('benchmark', engine, '--objects', 1, '--sizes', '64',
                                   status=1)[1]


def test_benchmark_of_scenes(tmp_path: Path) -> None:
    onnx = save(dense_model((160, 96)), tmp_path / 'small.onnx')
    arguments = ('benchmark', onnx, '--objects', 0, 7, '--sizes', '160x90', '64x64', '--frames', 3)
    plot = tmp_path / 'curves.png'
    report = json.loads(run(*arguments, '--backend', 'onnxruntime', '--json', '--plot', plot,
                            '--html', tmp_path / 'page.html')[0])
    page = (tmp_path / 'page.html').read_text(encoding='utf-8')
    assert 'Frames by number of objects' in page and '160x90 fp32, network alone' in page
    assert [scene['detections'] for scene in report['scenes']] == [0, 7, 0, 7]
    assert 'engine' not in report and cv2.imread(str(plot)).shape == (700, 1200, 3)
    report = json.loads(run('benchmark', onnx, '--objects', 7, '--cameras', 1, 2, '--precisions',
                            'fp32', 'int8', '--frames', 3, '--backend', 'onnxruntime', '--json',
                            '--plot', plot)[0])
    assert [(scene['precision'], scene['detections']) for scene in report['scenes']] == [
        ('fp32', 7), ('int8', 7)]
    assert [(scene['precision'], scene['cameras']) for scene in report['cameras']] == [
        ('fp32', 1), ('fp32', 2), ('int8', 1), ('int8', 2)]
    assert cv2.imread(str(plot)).shape == (1400, 1200, 3)  # over objects, over cameras
    lines = run(*arguments, '--backend', 'onnxruntime')[0].splitlines()
    assert 'scenes' in lines and lines[-1].split()[:4] == ['64x64', 'fp32', '7', '7']


def test_inspect_engine_prints_the_manifest_and_whether_it_loads(engine: Path) -> None:
    out, _ = run('inspect_engine', engine)
    assert 'car, truck, pedestrian' in out and 'loads on CPU' in out and 'images float32' in out
    assert 'this package        ran, 2026-11-24: ONNX Runtime' in out
    document = json.loads(run('inspect_engine', engine, '--json')[0])
    assert document['here']['loads'] and document['manifest']['decoder'] == 'candidates'
    document = json.loads(run('inspect_engine', engine, '--json', '--backend', 'tensorrt')[0])
    assert not document['here']['loads'] and 'built for onnxruntime' in document['here']['reason']


def test_verify_engine_compares_with_the_onnx(engine: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    document = json.loads(run('verify_engine', engine, '--images', tmp_path, '--json')[0])
    assert document['samples'] == {'given': 1, 'road': 5, 'noise': 2}
    assert document['boxes'] and document['p99_box_error_px'] < 0.05
    output, _ = run('verify_engine', engine)
    assert 'compared with' in output and 'verified by onnxruntime' in output
    other = save(dense_model(weight=9.0), tmp_path / 'other.onnx')
    _, error = run('verify_engine', engine, '--onnx', other, status=1)
    assert 'but the engine was built from' in error
