# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Engines built in memory, and outputs of their ONNX models, for tests that compare the two."""

from __future__ import annotations

from pathlib import Path
import time
from typing import Any

import numpy as np
import onnxruntime

from edge_trt_ros.convert.build import build, BuiltEngine
from edge_trt_ros.convert.build_job import BuildJob, BuildOutcome
from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import plan_build
from edge_trt_ros.heads import recognise, RecognisedHead
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds


def build_in_memory(path: Path, options: BuildOptions = BuildOptions()) -> BuiltEngine:
    """Plan and build an engine without installing it."""
    return build(plan_build(path, options))


def head_of(path: Path, options: BuildOptions = BuildOptions()) -> RecognisedHead:
    """Return the head of an ONNX file."""
    checked = check_onnx(path, options.input_shape)
    return recognise(checked, options.given, checked.reads_text)


def raw_outputs(path: Path, manifest: EngineManifest, sample: Sample
                ) -> tuple[dict[str, np.ndarray], Letterbox]:
    """Return the outputs of the checked ONNX model for a sample, and the sample's letterbox."""
    preprocess = host_preprocess(manifest.input_kinds)
    tensors = {tensor.name: np.empty(tensor.shape, tensor.dtype) for tensor in manifest.inputs}
    letterbox = preprocess.fit(sample)
    preprocess.fill(sample, letterbox, tensors)
    session = onnxruntime.InferenceSession(check_onnx(path).model.SerializeToString(),
                                           providers=['CPUExecutionProvider'])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, map(np.asarray, session.run(names, tensors)))), letterbox


def decoded_on_the_host(path: Path, manifest: EngineManifest, sample: Sample,
                        thresholds: Thresholds, options: BuildOptions = BuildOptions()) -> Any:
    """Return the result of an ONNX model, decoded by its head with NumPy."""
    raw, letterbox = raw_outputs(path, manifest, sample)
    return head_of(path, options).decode(raw, letterbox, thresholds)


def leftovers(folder: Path) -> list[str]:
    """Return the names of files that a build must remove."""
    return [path.name for path in folder.iterdir()
            if path.name.startswith('.') or path.name.endswith('.next')]


def wait(job: BuildJob) -> BuildOutcome:
    """Poll a job until it ends."""
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            outcome = job.poll()
            if outcome is not None:
                return outcome
            time.sleep(0.01)
        raise TimeoutError('the build did not end')
    finally:
        job.close()
