# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What this package calls in TensorRT, against the Python interface of each version."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
import re
from types import SimpleNamespace

import pytest
from support.tensorrt_api.inventory import load, NAMES
from support.tensorrt_api.stubs import check_types, files_that_use_it, ROOT

from edge_trt_ros.errors import EngineError
from edge_trt_ros.runtime.tensorrt.library import CHECKED_VERSIONS, load_tensorrt

VERSIONS = {'tensorrt-10.0.1', 'tensorrt-10.3.0', 'tensorrt-10.7.0', 'tensorrt-10.13.3.9',
            'tensorrt-10.16.1.11', 'tensorrt-11.0.0.114', 'tensorrt-11.4.0.106',
            'tensorrt_rtx-1.6.1.120', 'tensorrt_rtx-1.7.1.116'}
RTX = {name for name in VERSIONS if 'rtx' in name}
TENSORRT_10 = {name for name in VERSIONS if name.startswith('tensorrt-10.')}
RUNTIME_CONFIG = VERSIONS - {'tensorrt-10.0.1', 'tensorrt-10.3.0', 'tensorrt-10.7.0'}
# What only some versions have: the code asks with hasattr or getattr before it uses these.
GUARDED = {
    'IRuntimeCache': RTX, 'ComputeCapability': RTX,
    'IBuilderConfig.num_compute_capabilities': RTX, 'IBuilderConfig.set_compute_capability': RTX,
    'ICudaEngine.create_runtime_config': RUNTIME_CONFIG,
    'IRuntimeConfig.create_runtime_cache': RTX, 'IRuntimeConfig.set_runtime_cache': RTX,
    'NetworkDefinitionCreationFlag.EXPLICIT_BATCH': TENSORRT_10,
    'BuilderFlag.FP16': TENSORRT_10, 'BuilderFlag.BF16': TENSORRT_10,
    'BuilderFlag.INT8': TENSORRT_10,
    # All versions that are known have these; the code does not rely on it.
    'NetworkDefinitionCreationFlag.STRONGLY_TYPED': VERSIONS,
    'Runtime.num_DLA_cores': VERSIONS, 'HardwareCompatibilityLevel': VERSIONS}
_MISSING = re.compile(r'(?P<line>\S+:\d+): error: (?:"(?:type\[)?(?P<owner>\w+)\]?"'
                      r'|Module(?: "tensorrt")?) has no attribute "(?P<name>\w+)"')


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one folder for all stubs, so that mypy reads its own types once."""
    return tmp_path_factory.mktemp('stubs')


def missing(lines: list[str]) -> dict[str, str]:
    """Return the names that mypy misses, each with the first line of ours that needs it."""
    found: dict[str, str] = {}
    for line in lines:
        match = _MISSING.match(line)
        assert match, f'not a missing name: {line}'
        found.setdefault('.'.join(filter(None, (match['owner'], match['name']))), match['line'])
    return found


def has(name: str, version: str) -> bool:
    """Return whether a version has a class, or a member as 'Class.member'."""
    kind, _, member = name.partition('.')
    found = load(version)['classes'].get(kind)
    return found is not None and (not member or any(
        member in found.get(group, ()) for group in ('members', 'methods', 'properties')))


def test_all_versions_are_there() -> None:
    assert set(NAMES) == VERSIONS
    for name in NAMES:
        assert f"{load(name)['module']}-{load(name)['version']}" == name


def test_checked_versions_are_those_of_the_inventories() -> None:
    found: dict[str, list[tuple[int, ...]]] = {}
    for name in NAMES:
        library, _, version = name.partition('-')
        found.setdefault(library, []).append(tuple(map(int, version.split('.')[:2])))
    assert CHECKED_VERSIONS == {name: (min(every), max(every)) for name, every in found.items()}


def test_other_versions_are_refused_or_named_once(
        monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    module = SimpleNamespace(__version__='8.6.2')
    monkeypatch.setattr('importlib.import_module', lambda name: module)
    with pytest.raises(EngineError, match='tensorrt 8.6.2 is installed.*10.0 or later') as refused:
        load_tensorrt('tensorrt')
    assert refused.value.code == 'tensorrt_too_old'
    for version, is_newer in (('10.0.1', False), ('11.4.0.106', False), ('11.5.0', True),
                              ('12.0.0.1', True), ('12.0.0.1', False)):
        caplog.clear()
        module.__version__ = version
        assert load_tensorrt('tensorrt').version == version
        assert ('is newer than 11.4' in caplog.text) is is_newer


@pytest.mark.parametrize('version', sorted(VERSIONS))
def test_code_fits_the_version(version: str, folder: Path) -> None:
    needed = missing(check_types(load(version), folder))
    unguarded = {name: line for name, line in needed.items() if version in GUARDED.get(name, {
        version})}
    assert not unguarded, f'{version} has no {unguarded}: use it behind a guard'


@pytest.mark.parametrize('name', GUARDED)
def test_guards_name_their_versions(name: str) -> None:
    assert {version for version in VERSIONS if has(name, version)} == GUARDED[name]


def test_removed_name_is_missed_with_our_line(folder: Path) -> None:
    # Class by class: without its members, mypy lists every use of them.
    version = 'tensorrt-10.3.0'
    used: dict[str, str] = {}
    for kind in load(version)['classes']:
        inventory = deepcopy(load(version))
        inventory['classes'][kind] = {'members': {}} if 'members' in inventory['classes'][kind] \
            else {'bases': [], 'methods': {'__init__': []}, 'properties': {}}
        lines = [line for line in check_types(inventory, folder) if 'has no attribute' in line]
        used.update({name: line for name, line in missing(lines).items() if has(name, version)})
    assert len(used) >= 60, sorted(used)
    assert used['Builder.build_serialized_network'].startswith(
        'edge_trt_ros/convert/tensorrt/builder.py:')
    for name, line in used.items():
        path, number = line.split(':')
        text = ' '.join((ROOT / path).read_text().splitlines()[int(number) - 1:int(number) + 2])
        assert name.partition('.')[2] in text, f'{name} is not in {line}'


def test_wrong_argument_is_found(folder: Path) -> None:
    inventory = deepcopy(load('tensorrt-10.3.0'))
    methods = inventory['classes']['IBuilderConfig']['methods']
    methods['set_flag'] = ['(self: IBuilderConfig) -> None']
    methods['set_memory_pool_limit'] = ['(self: IBuilderConfig, pool: str, size: int) -> None']
    found = '\n'.join(line for line in check_types(inventory, folder)
                      if 'set_compute' not in line and 'num_compute' not in line)
    assert 'Too many arguments for "set_flag"' in found
    assert 'Argument 1 to "set_memory_pool_limit"' in found


def implemented() -> Iterator[tuple[str, ast.ClassDef, str]]:
    """Yield (interface, our class, file) for the interfaces of the library that we implement."""
    for path in files_that_use_it():
        for function in ast.walk(ast.parse((ROOT / path).read_text(encoding='utf-8'))):
            body = function.body if isinstance(function, ast.FunctionDef) else []
            bases = [node.value.attr for node in body if isinstance(node, ast.AnnAssign)
                     and isinstance(node.value, ast.Attribute)
                     and ast.unparse(node.target) == 'base']
            for node in body:
                if isinstance(node, ast.ClassDef) and ast.unparse(node.bases[0]) == 'base':
                    yield bases[0], node, path


@pytest.mark.parametrize('version', sorted(VERSIONS))
def test_our_classes_implement_the_interfaces(version: str) -> None:
    seen = set()
    for interface, ours, path in implemented():
        seen.add(interface)
        methods = load(version)['classes'][interface]['methods']
        own = {node.name: len(node.args.args) for node in ours.body
               if isinstance(node, ast.FunctionDef)}
        for name, signatures in methods.items():
            if name == '__init__':
                continue
            assert name in own, f'{path}: {interface}.{name} of {version} is not implemented'
            assert own[name] == signatures[0].partition(') -> ')[0].count(':'), \
                f'{path}: {interface}.{name} of {version} has the arguments {signatures[0]}'
    assert seen == {'ILogger', 'IErrorRecorder', 'IProgressMonitor'}
