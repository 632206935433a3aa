# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Each example runs on small real inputs, and prints what it says it prints."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys

import cv2
import pytest
from support.models import save
from support.own_head import corners_model

from edge_trt_ros import open_model, Thresholds
from edge_trt_ros.benchmark.road_frames import road_frames
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.manifest import manifest_path

EXAMPLES = Path(__file__).resolve().parent.parent / 'examples'
SIZE_WH = (640, 360)

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason='not a checkout: no examples')


@pytest.fixture(scope='module')
def images() -> list:
    return [frame.pixels for frame in road_frames(SIZE_WH)[:4]]


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory, images: list) -> Path:
    """Write four frames of the road as images."""
    folder = tmp_path_factory.mktemp('road')
    for index, image in enumerate(images):
        cv2.imwrite(str(folder / f'{index}.png'), image)
    return folder


@pytest.fixture(scope='module')
def expected(images: list) -> list:
    """Return the detections in the four frames."""
    with open_model(MODEL_PATH) as model:
        return [model.detect(image) for image in images]


def run(name: str, *arguments: object) -> list[str]:
    """Run an example; return the lines that it prints."""
    done = subprocess.run([sys.executable, str(EXAMPLES / name), *map(str, arguments)],
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.splitlines()


def test_an_image(folder: Path, images: list, tmp_path: Path) -> None:
    lines = run('detect_image.py', MODEL_PATH, folder / '0.png', tmp_path / 'drawn.png')
    thresholds = Thresholds(confidence=0.4)
    with open_model(MODEL_PATH, thresholds=thresholds) as model:
        detections = model.detect(images[0])
        assert len(lines) == len(detections) > 5
        left, top, right, bottom = detections.boxes_xyxy[0].round().astype(int)
        assert lines[0] == (f'{model.labels[detections.class_ids[0]]} {detections.scores[0]:.2f} '
                            f'at {left}, {top} to {right}, {bottom}')
        drawn = cv2.imread(str(tmp_path / 'drawn.png'))
        assert (drawn == model.draw(images[0], detections)).all()


def test_a_folder(folder: Path, expected: list) -> None:
    found = [json.loads(line) for line in run('detect_folder.py', MODEL_PATH, folder)]
    assert [line['image'] for line in found] == ['0.png', '1.png', '2.png', '3.png']
    assert [len(line['detections']) for line in found] == [len(result) for result in expected]
    assert found[0]['detections'][0]['score'] == pytest.approx(float(expected[0].scores[0]),
                                                               abs=1e-3)


def test_a_video(folder: Path, images: list, tmp_path: Path) -> None:
    source, target = tmp_path / 'in.mp4', tmp_path / 'out.mp4'
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter_fourcc(*'mp4v'), 10, SIZE_WH)
    for image in images:
        writer.write(image)
    writer.release()
    line, = run('detect_video.py', MODEL_PATH, source, target)
    assert f'{target}: 4 images on CPU' in line
    video, plain = cv2.VideoCapture(str(target)), cv2.VideoCapture(str(source))
    for _ in images:
        drawn, frame = video.read()[1], plain.read()[1]
        assert drawn.shape == frame.shape and cv2.absdiff(drawn, frame).max() > 60
    assert not video.read()[0]


def test_a_batch(folder: Path, expected: list) -> None:
    paths = sorted(folder.glob('*.png'))
    lines = run('detect_batch.py', MODEL_PATH, *paths)
    assert [line.partition(': ')[0] for line in lines] == [str(path) for path in paths]
    counts = [sum(int(part.split()[0]) for part in line.partition(': ')[2].split(', '))
              for line in lines]
    assert counts == [len(result) for result in expected]


def test_a_custom_head(folder: Path, tmp_path: Path) -> None:
    path, engine = save(corners_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    built, found = run('custom_head.py', path, engine, folder / '0.png')
    assert built.startswith('built with the head our_corners: {') and "'boxes'" in built
    assert json.loads(manifest_path(engine).read_text())['head'] == 'our_corners'
    with open_model(engine) as model:
        objects = len(model.detect(cv2.imread(str(folder / '0.png'))))
    assert found == f'{objects} objects' and objects > 0


def test_examples_are_short_and_each_is_tested() -> None:
    names = {path.name for path in EXAMPLES.glob('*.py')}
    assert names == {'custom_head.py', 'detect_batch.py', 'detect_folder.py', 'detect_image.py',
                     'detect_video.py'}
    for name in names - {'custom_head.py'}:
        assert len((EXAMPLES / name).read_text().splitlines()) <= 31
    assert len((EXAMPLES / 'custom_head.py').read_text().splitlines()) <= 60
