# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Make the pictures of the documentation that show results.

    python3 -m pip install matplotlib
    python3 doc/make_pictures.py

`overlay.jpg` is the demo's detector on a frame of the synthetic road; `objects_in_view.svg` shows
the figures in `doc/data`.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import matplotlib
import matplotlib.pyplot as plt

from edge_trt_ros import open_model
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.demo.road.scene import Scene

DOC = Path(__file__).resolve().parent


def overlay(path: Path) -> None:
    """Write detections, drawn into a frame of the road."""
    image = Scene(7).image(6.0)
    with open_model(MODEL_PATH) as model:
        drawn = model.draw(image, model.detect(image))
    cv2.imwrite(str(path), drawn, [cv2.IMWRITE_JPEG_QUALITY, 85])


def objects_in_view(data: Path, path: Path) -> None:
    """Write the latency over the number of objects, p50 as a line and up to p99 as an area."""
    figures = json.loads(data.read_text(encoding='utf-8'))
    # Text stays text, and equal data gives an equal file.
    matplotlib.rcParams.update({'svg.fonttype': 'none', 'svg.hashsalt': 'edge_trt_ros'})
    _, axes = plt.subplots(figsize=(7, 3.2), layout='constrained')
    for name, found in figures['bytes_to_detections_ms'].items():
        line, = axes.plot(figures['objects'], found['p50'], marker='o', label=name)
        axes.fill_between(figures['objects'], found['p50'], found['p99'], alpha=0.2,
                          color=line.get_color(), linewidth=0)
    axes.set(xlabel='objects in view', ylabel='ms, p50 to p99', ylim=(0, None))
    axes.set_title('image bytes to detections', loc='left')
    axes.legend()
    axes.grid(alpha=0.3)
    plt.savefig(path, metadata={'Date': None})


if __name__ == '__main__':
    overlay(DOC / 'images' / 'overlay.jpg')
    objects_in_view(DOC / 'data' / 'objects_in_view.json',
                    DOC / 'images' / 'objects_in_view.svg')
