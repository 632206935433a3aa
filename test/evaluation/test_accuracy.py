# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The accuracy report with COCO labels, with YOLO labels and without labels."""

from __future__ import annotations

import json
import os
from pathlib import Path
import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from support.blocked import environment_without
from support.html import Page

from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.demo.detector.samples import scene_frames, TEST_SEED
from edge_trt_ros.demo.road.scene import CLASS_NAMES
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.evaluation.labelled_folder import read_coco, read_yolo

COUNT = 4


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write frames of the road with their labels, as a COCO file and as YOLO text files."""
    root = tmp_path_factory.mktemp('road')
    (root / 'images').mkdir()
    (root / 'labels').mkdir()
    coco: dict[str, Any] = {'images': [], 'annotations': [], 'categories': [
        {'id': 7 + index, 'name': name} for index, name in enumerate(CLASS_NAMES)]}
    for number, frame in enumerate(scene_frames(TEST_SEED, COUNT, 1)):
        name = f'{number:03d}'
        cv2.imwrite(str(root / 'images' / f'{name}.png'), frame.image)
        coco['images'].append({'id': 100 + number, 'file_name': f'some/where/{name}.png'})
        height, width = frame.image.shape[:2]
        lines = []
        for box, class_id in zip(frame.boxes_xyxy.tolist(), frame.class_ids.tolist()):
            left, top, right, bottom = box
            coco['annotations'].append({
                'image_id': 100 + number, 'category_id': 7 + class_id, 'iscrowd': 0,
                'bbox': [left, top, right - left, bottom - top]})
            lines.append(f'{class_id} {(left + right) / 2 / width} {(top + bottom) / 2 / height} '
                         f'{(right - left) / width} {(bottom - top) / height}')
        (root / 'labels' / f'{name}.txt').write_text('\n'.join(lines) + '\n')
    (root / 'coco.json').write_text(json.dumps(coco))
    return root


def images(folder: Path) -> list[Path]:
    return sorted((folder / 'images').glob('*.png'))


def report(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', 'accuracy_report', str(MODEL_PATH), '--json',
         '--backend', 'onnxruntime', *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_coco_and_yolo_labels_agree(folder: Path) -> None:
    sizes = [cv2.imread(str(path)).shape[1::-1] for path in images(folder)]
    yolo = read_yolo(images(folder), sizes, CLASS_NAMES)
    coco = read_coco(folder / 'coco.json', images(folder), CLASS_NAMES)
    assert yolo is not None and sum(len(labels.class_ids) for labels in yolo) > 20
    for left, right in zip(yolo, coco):
        np.testing.assert_allclose(left.boxes_xyxy, right.boxes_xyxy, atol=1e-3)
        np.testing.assert_array_equal(left.class_ids, right.class_ids)


def test_with_labels(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip('pycocotools', reason='mAP is computed by pycocotools')
    by_yolo = report('--images', str(folder / 'images'), '--precisions', 'fp32', 'fp16',
                     '--plot', str(tmp_path / 'report.png'), '--html',
                     str(tmp_path / 'report.html'))
    by_coco = report('--images', str(folder / 'images'), '--precisions', 'fp32',
                     '--annotations', str(folder / 'coco.json'))
    first, second = by_yolo['rows']
    assert by_yolo['labelled'] and by_yolo['images'] == COUNT
    assert (first['precision'], second['precision']) == ('fp32', 'fp16')
    assert 0.4 < first['mAP50'] <= 1 and 0.2 < first['mAP50-95'] < first['mAP50']
    assert first['mAP50'] == pytest.approx(by_coco['rows'][0]['mAP50'], abs=1e-4)
    assert first['agreement_f1'] == 1 and first['score_drift'] == 0
    assert second['agreement_f1'] > 0.97 and abs(second['mAP50'] - first['mAP50']) < 0.02
    assert first['latency_ms'] > 0 and first['size_mb'] > second['size_mb'] > 0
    page = Page(tmp_path / 'report.html')
    assert {f'{line[name]:.4f}' for line in by_yolo['rows'] for name in (
        'mAP50', 'mAP50-95', 'agreement_f1', 'score_drift')} <= set(page.texts)
    picture = cv2.imread(str(tmp_path / 'report.png'))
    assert picture is not None and (picture < 128).any()


def test_without_labels(folder: Path, tmp_path: Path) -> None:
    (tmp_path / 'alone.png').write_bytes(images(folder)[0].read_bytes())
    found = report('--images', str(tmp_path / 'alone.png'), '--precisions', 'fp32', 'int8',
                   '--calibration', str(folder / 'images'))
    assert not found['labelled'] and found['rows'][1]['precision'] == 'int8'
    assert found['rows'][0]['mAP50'] is None and 0.7 < found['rows'][1]['agreement_f1'] <= 1
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', 'accuracy_report', str(MODEL_PATH), '--images',
         str(tmp_path / 'alone.png'), '--backend', 'onnxruntime', '--precisions', 'fp32'],
        capture_output=True, text=True, timeout=120)
    assert 'agreement (F1)' in done.stdout and 'mAP50' not in done.stdout


def test_without_pycocotools(folder: Path, tmp_path: Path) -> None:
    """With labels its absence is reported before the build; without labels it is not needed."""
    (tmp_path / 'alone.png').write_bytes(images(folder)[0].read_bytes())
    for where, status in ((folder / 'images', 1), (tmp_path / 'alone.png', 0)):
        done = subprocess.run(
            [sys.executable, '-m', 'edge_trt_ros', 'accuracy_report', str(MODEL_PATH), '--images',
             str(where), '--backend', 'onnxruntime', '--precisions', 'fp32'],
            capture_output=True, text=True, timeout=120,
            env=environment_without(tmp_path, 'pycocotools'))
        assert done.returncode == status, done.stderr
        assert ('mAP needs pycocotools, which is not installed: pip install pycocotools '
                '[pycocotools_missing]' in done.stderr) == status


@pytest.mark.parametrize('text, match', [
    ('9 .5 .5 .1 .1', 'line 1 has class 9, expected a whole number from 0 to 4'),
    ('0.5 .5 .5 .1 .1', 'has class 0.5'),
    ('0 .5 .5 .1', r"line 1 is '0 .5 .5 .1', expected class"),
    ('\n0 nan .5 .1 .1', 'not finite')])
def test_invalid_text_files(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / 'a.txt').write_text(text)
    with pytest.raises(ConfigurationError, match=match):
        read_yolo([tmp_path / 'a.png'], [(100, 100)], CLASS_NAMES)


def test_label_files_that_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    """A FIFO is refused at once; opening it would block."""
    os.mkfifo(tmp_path / 'a.txt')
    with pytest.raises(ConfigurationError, match='a.txt cannot be read: it is a FIFO'):
        read_yolo([tmp_path / 'a.png'], [(100, 100)], CLASS_NAMES)
    with pytest.raises(ConfigurationError, match='a.txt cannot be read: it is a FIFO'):
        read_coco(tmp_path / 'a.txt', images(folder), CLASS_NAMES)
    (tmp_path / 'b.txt').write_bytes(b'\xff\xfe')
    with pytest.raises(ConfigurationError, match='b.txt is not UTF-8 text'):
        read_yolo([tmp_path / 'b.png'], [(100, 100)], CLASS_NAMES)


@pytest.mark.parametrize('change, match', [
    ({'categories': [{'id': 1, 'name': 'dragon'}]}, 'categories dragon, but the network'),
    ({'images': []}, 'no entry for 4 of 4 images, such as 000.png'),
    ({'annotations': [{'image_id': 100}]}, 'not a COCO detection file .KeyError'),
    ({'annotations': 3}, 'not a COCO detection file .TypeError')])
def test_invalid_coco_files(change: dict[str, Any], match: str, folder: Path,
                            tmp_path: Path) -> None:
    data = {**json.loads((folder / 'coco.json').read_text()), **change}
    (tmp_path / 'coco.json').write_text(json.dumps(data))
    with pytest.raises(ConfigurationError, match=match):
        read_coco(tmp_path / 'coco.json', images(folder), CLASS_NAMES)
    with pytest.raises(ConfigurationError, match='cannot be read: No such file'):
        read_coco(tmp_path / 'none.json', images(folder), CLASS_NAMES)
