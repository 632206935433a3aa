# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Imports libraries one after the other and reports each; run as a process of its own.

A library may raise anything, exit, print, hang or crash while it is imported. Results are lines of
JSON on stdout; what libraries print goes to stderr.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
import importlib
import importlib.metadata
import json
import os
import sys
from typing import Any

# Names of distributions that differ from those of their modules.
_DISTRIBUTIONS = {'edgefirst': 'edgefirst-tracker', 'cuda': 'cuda-bindings', 'yaml': 'PyYAML'}


def main() -> None:
    """Import what the first argument lists: the search path, and the modules."""
    results = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    sys.path[:], modules = json.loads(sys.argv[1])
    for name in modules:
        results.write(json.dumps({'module': name, **_imported(name)}) + '\n')
        results.flush()
    os._exit(0)  # without the clean-up of libraries, which may crash as well


def _imported(name: str) -> dict[str, Any]:
    if name == 'gpu':
        return {'installed': True, 'facts': _gpus()}
    try:
        module = importlib.import_module(name)
        read = _FACTS.get(name)
        return {'installed': True, 'version': _version(name, module),
                'facts': read(module) if read else {}}
    except ModuleNotFoundError as error:
        # 'libfoo' missing within an installed package is a broken installation.
        root = name.partition('.')[0]
        installed = (error.name or '').partition('.')[0] != root
        return {'installed': installed, 'error': _clause(error)}
    except BaseException as error:
        return {'installed': True, 'error': _clause(error)}


def _version(name: str, module: Any) -> str:
    root = name.partition('.')[0]
    known = getattr(sys.modules.get(root, module), '__version__', '')
    if known:
        return str(known)
    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(root, root))
    except importlib.metadata.PackageNotFoundError:
        return ''


def _clause(error: BaseException) -> str:
    lines = str(error).split('\n')
    return f'{type(error).__name__}: {lines[0]}' if lines[0] else type(error).__name__


def _gpus() -> dict[str, Any]:
    from edge_trt_ros.runtime.tensorrt.device import find_gpu
    found: list[dict[str, Any]] = []
    while gpu := find_gpu(len(found)):
        found.append(asdict(gpu))
    return {'gpus': found}


def _pycuda(driver: Any) -> dict[str, Any]:
    return {'cuda': '.'.join(map(str, driver.get_version()[:2]))}


def _nvrtc(_module: Any) -> dict[str, Any]:
    from edge_trt_ros.runtime.cuda.kernel_cache import has_nvrtc
    return {'loads': has_nvrtc()}


_FACTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    'pycuda.driver': _pycuda, 'cuda.bindings.nvrtc': _nvrtc}


if __name__ == '__main__':
    main()
