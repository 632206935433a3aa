# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Write the inventories of `test/tensorrt_api`: the Python interfaces of TensorRT's versions.

    make tensorrt-api

The wheels with the Python bindings are on the package index, and the libraries of TensorRT 10 and
11 are not. The bindings load with empty libraries in their place, and then state each class,
method, argument and enumeration member. Nothing can be built or run with them. Needs gcc.
"""

from __future__ import annotations

import json
from pathlib import Path
import re
import subprocess
import sys
import tempfile
from typing import Any
import zipfile

from support.tensorrt_api.inventory import FOLDER

# The package of the bindings, the Python module, and the versions that are read.
WHEELS = (
    ('tensorrt-cu12-bindings', 'tensorrt', (
        '10.0.1', '10.3.0', '10.7.0', '10.13.3.9', '10.16.1.11', '11.0.0.114', '11.4.0.106')),
    ('tensorrt-rtx-cu13-bindings', 'tensorrt_rtx', ('1.6.1.120', '1.7.1.116')))
# What this package uses. Of all else, the inventories contain only the names.
CLASSES = (
    'Builder', 'BuilderFlag', 'ComputeCapability', 'CudaGraphStrategy', 'DataType', 'DeviceType',
    'Dims', 'EngineCapability', 'EngineInspector', 'EngineStat', 'ErrorCodeTRT',
    'ExecutionContextAllocationStrategy', 'HardwareCompatibilityLevel', 'IBuilderConfig',
    'ICudaEngine', 'IErrorRecorder', 'IExecutionContext', 'IHostMemory', 'ILayer', 'ILogger',
    'INetworkDefinition', 'INoCopy', 'IOptimizationProfile', 'IProgressMonitor',
    'IRuntimeCache', 'IRuntimeConfig', 'ITensor', 'ITimingCache', 'LayerInformationFormat',
    'LayerType', 'MemoryPoolType', 'NetworkDefinitionCreationFlag', 'OnnxParser', 'ParserError',
    'PreviewFeature', 'ProfilingVerbosity', 'Runtime', 'TensorFormat', 'TensorIOMode',
    'TensorLocation', 'TensorRTPhase')
_NEEDED = re.compile(r'Shared library: \[(lib(?:nv|tensorrt)[^]]*)\]')
_FUNCTIONS = (
    'createInferBuilder_INTERNAL', 'createInferRefitter_INTERNAL', 'createInferRuntime_INTERNAL',
    'createNvOnnxParser_INTERNAL', 'createNvOnnxParserRefitter_INTERNAL', 'getNvOnnxParserVersion',
    'getBuilderPluginRegistry', 'getPluginRegistry', 'getInferLibVersion', 'getLogger',
    'initLibNvInferPlugins')
# Runs in a process of its own: loads the bindings, and prints their interface as JSON.
_READ = r"""
import importlib.util, json, re, sys
path, module_name, classes = sys.argv[1], sys.argv[2], sys.argv[3].split(',')
spec = importlib.util.spec_from_file_location(module_name, path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

def signatures(name, value):
    lines = [line.strip() for line in (value.__doc__ or '').splitlines()]
    pattern = re.compile(r'(?:\d+\. )?' + re.escape(name) + r'(\(.*\) -> .*)')
    found = [match[1] for match in map(pattern.fullmatch, lines) if match]
    return [line.replace(module_name + '.', '') for line in dict.fromkeys(found)]

def described(kind):
    bases = [base.__name__ for base in kind.__bases__ if base.__module__ == module_name]
    members = getattr(kind, '__members__', None)
    if members:
        return {'members': {name: int(member) for name, member in members.items()}}
    methods, properties = {}, {}
    for name, value in vars(kind).items():
        if isinstance(value, property):
            text = (value.fget.__doc__ or '').strip().partition(' -> ')[2]
            properties[name] = [text.replace(module_name + '.', ''), value.fset is not None]
        elif isinstance(value, type):
            properties[name] = [value.__name__, False]
        elif callable(value) and (not name.startswith('_') or name == '__init__'):
            methods[name] = signatures(name, value)
        elif not name.startswith('_') and type(value).__module__ == module_name:
            properties[name] = [type(value).__name__, False]
    return {'bases': bases, 'methods': methods, 'properties': properties}

kinds = {name: value for name, value in vars(module).items() if isinstance(value, type)}
others = {name: signatures(name, value) for name, value in vars(module).items()
          if callable(value) and name not in kinds and not name.startswith('_')}
extra = {kind.__name__: kind for name in classes if name in kinds
         for kind in vars(kinds[name]).values() if isinstance(kind, type)}
print(json.dumps({'classes': {name: described(kind) for name, kind in {**{
    name: kinds[name] for name in classes if name in kinds}, **extra}.items()},
    'functions': others, 'other_classes': sorted(set(kinds) - set(classes) - set(extra))}))
"""


def read_wheel(package: str, module: str, version: str, folder: Path) -> dict[str, Any]:
    """
    Return the interface of one version.

    :param package: the package of the bindings.
    :param module: the Python module.
    :param version: the version.
    :param folder: an empty folder for the wheel and the empty libraries.
    """
    subprocess.run([sys.executable, '-m', 'pip', 'download', '-qq', '--no-deps',
                    '--only-binary=:all:', '-d', folder, f'{package}=={version}'], check=True)
    with zipfile.ZipFile(next(folder.glob('*.whl'))) as wheel:
        wheel.extractall(folder)
    extension = next(folder.rglob(f'{module}.so'))
    source = folder / 'empty.c'
    source.write_text(''.join(f'void *{name}(void) {{ return 0; }}\n' for name in _FUNCTIONS))
    listed = subprocess.run(['readelf', '-d', extension], check=True, capture_output=True,
                            text=True).stdout
    for name in _NEEDED.findall(listed):
        subprocess.run(['gcc', '-shared', '-fPIC', source, f'-Wl,-soname,{name}', '-o',
                        folder / name], check=True)
    done = subprocess.run([sys.executable, '-I', '-S', '-c', _READ, extension, module,
                           ','.join(CLASSES)], env={'LD_LIBRARY_PATH': str(folder)}, check=True,
                          capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return {'module': module, 'version': version, **found}


def main() -> None:
    """Read all versions and write their inventories."""
    for package, module, versions in WHEELS:
        for version in versions:
            with tempfile.TemporaryDirectory() as folder:
                inventory = read_wheel(package, module, version, Path(folder))
            path = FOLDER / f'{module}-{version}.json'
            path.write_text(json.dumps(inventory, indent=0, sort_keys=True) + '\n')
            print(f"{path.name}: {len(inventory['classes'])} classes")


if __name__ == '__main__':
    main()
