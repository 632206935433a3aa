# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Engines for another library, version, platform or GPU are rejected before loading."""

from __future__ import annotations

from dataclasses import replace
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.error_codes import ERROR_CODES
from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.select import open_engine, open_runtime
from edge_trt_ros.runtime.tensorrt.device import find_gpu, GpuDevice
from edge_trt_ros.runtime.tensorrt.identity import check_identity, runs_on, this_platform
from edge_trt_ros.runtime.tensorrt.library import TensorRt

COMPATIBLE = {'plan': {'options': {'version_compatible': True}}}
ORIN = GpuDevice('Orin', '8.7', '12.6')


def library(name: str = 'tensorrt', version: str = '10.3.0') -> TensorRt:
    return TensorRt(name, version, SimpleNamespace())


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('engine')
    build_engine(save(dense_model(), folder / 'm.onnx'), folder / 'm.engine',
                 BuildOptions(backend='onnxruntime'))
    return folder / 'm.engine'


@pytest.fixture(scope='module')
def manifest(engine: Path) -> EngineManifest:
    return replace(read_engine(engine)[1], backend='tensorrt', backend_version='10.3.0',
                   target={'compute_capabilities': ['8.7'], 'gpu': 'Orin', 'driver': '12.6'})


def test_engine_of_this_machine_is_accepted(manifest: EngineManifest) -> None:
    check_identity(manifest, library(), ORIN)


@pytest.mark.parametrize('changes,installed,gpu,message', [
    ({}, library('tensorrt_rtx'), ORIN, 'built for tensorrt, but this library is tensorrt_rtx'),
    ({}, library(version='10.4.0'), ORIN, 'built with tensorrt 10.3.0, but 10.4.0 is installed'),
    ({'platform': 'linux-sparc'}, library(), ORIN,
     f'built on linux-sparc, but this machine is {this_platform()}'),
    ({}, library(), GpuDevice('RTX 4090', '8.9', '12.6'),
     'built for compute capability 8.7, but RTX 4090 has 8.9'),
    ({'target': {'compute_capabilities': ['8.0+']}}, library(), GpuDevice('Xavier', '7.2', '11.4'),
     r'capability 8.0\+, but Xavier has 7.2'),
    ({}, library(version='11.4.0'), ORIN,
     'but 11.4.0 is installed: it runs only on this version, since it is built without version_'),
    (COMPATIBLE, library(version='12.0.0'), ORIN, 'but 12.0.0 is installed.* those of 10 on 11'),
    (COMPATIBLE, library(version='8.6.2'), ORIN, 'but 8.6.2 is installed'),
    ({**COMPATIBLE, 'backend_version': '11.0.0'}, library(version='10.16.1'), ORIN,
     'with tensorrt 11.0.0, but 10.16.1 is installed'),
    ({**COMPATIBLE, 'backend_version': '8.6.1'}, library(version='11.0.0'), ORIN,
     'with tensorrt 8.6.1, but 11.0.0 is installed'),
    (COMPATIBLE, library(version='10.2.9'), ORIN, 'but 10.2.9 is installed')])
def test_each_mismatch_has_its_own_message(
        manifest: EngineManifest, changes: dict[str, Any], installed: TensorRt, gpu: GpuDevice,
        message: str) -> None:
    with pytest.raises(EngineError, match=f'{message}.*rebuild it with.*build_engine') as rejected:
        check_identity(replace(manifest, **changes), installed, gpu)
    assert '\n' not in str(rejected.value)
    assert rejected.value.code in ERROR_CODES and rejected.value.code.startswith('engine_')


def test_compatible_engines_are_accepted(manifest: EngineManifest) -> None:
    compatible = replace(manifest, **COMPATIBLE)
    check_identity(compatible, library(version='10.13.1'), ORIN)
    check_identity(compatible, library(version='11.4.0'), ORIN)
    anywhere = replace(manifest, target={'compute_capabilities': []})
    check_identity(anywhere, library(), GpuDevice('T4', '7.5', '12.0'))
    newer = replace(manifest, target={'compute_capabilities': ['8.0+']})
    check_identity(newer, library(), GpuDevice('B200', '10.0', '13.0'))
    assert not runs_on(manifest, None)


@pytest.mark.skipif(find_gpu() is not None, reason='there is a GPU')
def test_missing_gpu_is_reported(engine: Path, manifest: EngineManifest) -> None:
    with pytest.raises(EngineError, match='no NVIDIA GPU with the number 0.*--backend onnx'):
        open_engine(engine.read_bytes(), manifest)


def test_backend_must_be_the_engines_backend(engine: Path) -> None:
    with pytest.raises(EngineError, match='built for onnxruntime, but backend is set to tensorrt'):
        open_runtime(engine, 'tensorrt')
    with pytest.raises(EngineError, match="backend is 'cuda', expected auto, tensorrt,"):
        open_runtime(engine, 'cuda')


def test_oldest_runtime_caches_are_removed(tmp_path: Path) -> None:
    from edge_trt_ros.runtime.tensorrt.network import _KEPT_CACHES, _prune
    paths = [tmp_path / f'{index}.runtime_cache' for index in range(_KEPT_CACHES + 3)]
    for age, path in enumerate(paths):
        path.touch()
        os.utime(path, (age, age))
    (tmp_path / 'kernel.cubin').touch()
    _prune(paths[-1])
    assert sorted(tmp_path.glob('*.runtime_cache')) == sorted(paths[3:])
    assert (tmp_path / 'kernel.cubin').exists()
