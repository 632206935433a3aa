# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Python libraries: those that every node needs, ONNX, and those of single features."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
import importlib.util

from edge_trt_ros.doctor.finding import Finding, MISSING, OK, OPTIONAL, WARNING
from edge_trt_ros.doctor.surroundings import Surroundings
from edge_trt_ros.optional_libraries import OPTIONAL_LIBRARIES

# Module, package of apt, package of pip.
_NEEDED = (('numpy', 'python3-numpy', 'numpy'),
           ('cv2', 'python3-opencv', 'opencv-python-headless'),
           ('psutil', 'python3-psutil', 'psutil'), ('yaml', 'python3-yaml', 'PyYAML'),
           ('tqdm', 'python3-tqdm', 'tqdm'))
# Libraries whose version explains an error.
_SHOWN = ('numpy', 'cv2')
# Module, what it is for.
_FEATURES = (('rosbags.rosbag2', 'calibration on bags and detect_bag'),
             ('tokenizers', 'networks that read texts'),
             ('edgefirst.tracker', 'persistent track IDs'),
             ('pycocotools.mask', 'mAP in accuracy_report'))


def needed_libraries(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the libraries without which no node starts."""
    here = []
    for module, apt_package, pip_package in _NEEDED:
        found = surroundings.imported[module]
        if found.works:
            here.append(f'{module} {found.version}'.rstrip() if module in _SHOWN else module)
            continue
        why = found.error if found.installed else 'not installed'
        yield Finding(module, MISSING, f'{why}; every node needs it',
                      surroundings.host.apt_or_pip(apt_package, pip_package))
    if here:
        yield Finding('libraries', OK, ', '.join(here))


def onnxruntime(surroundings: Surroundings) -> Iterator[Finding]:
    """Check ONNX Runtime, which runs networks on the CPU and verifies every build."""
    found = surroundings.imported['onnxruntime']
    if found.works:
        yield Finding('ONNX Runtime', OK, f'{found.version}; runs engines on the CPU, checks '
                      'builds')
        return
    why = found.error if found.installed else 'not installed'
    fix = surroundings.host.pip_install('onnxruntime')
    if surroundings.runs_on:
        yield Finding('ONNX Runtime', WARNING, f'{why}; engines run on the GPU, but no engine can '
                      'be built here', fix)
    else:
        yield Finding('ONNX Runtime', MISSING, f'{why}; nothing else runs engines here', fix)


def onnx(surroundings: Surroundings) -> Iterator[Finding]:
    """Check onnx, which reads networks."""
    found = surroundings.imported['onnx']
    if found.works:
        yield Finding('onnx', OK, f'{found.version}; reads networks')
        return
    yield Finding('onnx', WARNING if found.installed else OPTIONAL,
                  (found.error if found.installed else 'not installed')
                  + '; to build engines and to open ONNX files',
                  surroundings.host.pip_install('onnx'))


def features(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the libraries of single features."""
    here = []
    for module, purpose in _FEATURES:
        found, package = surroundings.imported[module], _package(module)
        if found.works:
            here.append(package)
            continue
        yield Finding(package, WARNING if found.installed else OPTIONAL,
                      f"{found.error if found.installed else 'not installed'}; for {purpose}",
                      surroundings.host.pip_install(package))
    if importlib.util.find_spec('torch') is None:  # an import would take seconds
        yield Finding('torch', OPTIONAL, 'not installed; to export networks of PyTorch',
                      surroundings.host.pip_install(*_package('torch').split()))
    else:
        here.append(f'torch {_version("torch")}'.rstrip())
    if here:
        yield Finding('features', OK, ', '.join(here))


def _package(module: str) -> str:
    return OPTIONAL_LIBRARIES[module.partition('.')[0]].packages


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ''
