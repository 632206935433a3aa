# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The package files are consistent and contain nothing specific to one machine."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
import re
import runpy
import subprocess
import sys
from xml.etree import ElementTree

import pytest
import setuptools
from support.models import dense_model, save

import edge_trt_ros

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = sorted((ROOT / 'environment').glob('requirements*.txt'))
ROS_RELEASES = ('jazzy', 'kilted')
PIN = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.]*'
                 r'(; platform_machine == "x86_64")?')

# The patterns are split, so that this file does not match them.
PRIVATE = re.compile('|'.join([
    r'/root' r'/', r'/home' r'/[a-z]', r'/work' r'/(main|scratch|shared)',
    r'/opt' r'/(pypi|wheels)',
    r'--(extra-)?index' r'-url\b', r'--find' r'-links\b', r'--trusted' r'-host\b',
    r'pypi\.' r'org', r'files\.python' r'hosted\.org',
]))

# Tests also run in a colcon workspace, where the checkout's other files are missing.
needs_checkout = pytest.mark.skipif(
    not (ROOT / 'environment').is_dir(), reason='not a checkout: no environment folder')


def setup_arguments(monkeypatch):
    captured = {}
    monkeypatch.setattr(setuptools, 'setup', lambda **fields: captured.update(fields))
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(ROOT / 'setup.py'))
    return captured


def tracked_files():
    """Return the files of the checkout that git tracks or does not ignore."""
    listed = subprocess.run(
        ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
        cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip('not a git checkout: there is no list of tracked files')
    return [ROOT / name for name in listed.stdout.decode().split('\0')
            if name and (ROOT / name).is_file()]


@needs_checkout
def test_data_files_in_the_package_are_installed(monkeypatch):
    patterns = setup_arguments(monkeypatch)['package_data']['edge_trt_ros']
    package = ROOT / 'edge_trt_ros'
    data_files = {path.relative_to(package) for path in tracked_files()
                  if path.is_relative_to(package) and path.suffix not in ('.py', '.pyi')}
    assert data_files
    assert {path for path in data_files
            if not any(path.match(pattern) for pattern in patterns)} == set()


@needs_checkout
def test_requirement_files_exist():
    assert {path.name for path in REQUIREMENTS} >= {
        'requirements.txt', 'requirements-build.txt', 'requirements-test.txt',
        'requirements-train.txt',
        *(f'requirements-{part}-{ros}.txt' for part in ('ros', 'build') for ros in ROS_RELEASES)}


@pytest.mark.parametrize('path', REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_pinned_exactly(path):
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith('#')]
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line)] == []


@needs_checkout
@pytest.mark.parametrize('ros', ROS_RELEASES)
def test_requirements_are_pinned_to_one_version(ros):
    versions = {}
    others = tuple(f'-{other}.txt' for other in ROS_RELEASES if other != ros)
    for path in REQUIREMENTS:
        # The exporters have an environment of their own.
        if path.name.endswith(others) or path.name == 'requirements-exports.txt':
            continue
        for line in path.read_text().splitlines():
            if PIN.fullmatch(line):
                name, version = line.split(';')[0].split('==')
                versions.setdefault(name.lower(), set()).add(version)
    assert {name: pins for name, pins in versions.items() if len(pins) > 1} == {}


def test_files_contain_no_private_path_or_package_index():
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding='utf-8')
        except UnicodeDecodeError:
            continue
        found += [f'{path.relative_to(ROOT)}: {match[0]}' for match in PRIVATE.finditer(text)]
    assert found == []


def test_package_xml_agrees_with_setup_py(monkeypatch):
    setup = setup_arguments(monkeypatch)
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    maintainer = package.find('maintainer')

    assert package.get('format') == '3'
    assert package.findtext('export/build_type') == 'ament_python'
    assert package.findtext('name') == setup['name']
    assert package.findtext('version') == setup['version'] == edge_trt_ros.__version__
    assert package.findtext('license') == setup['license'] == 'Apache-2.0'
    assert package.findtext('description') == setup['description']
    assert maintainer.text == setup['maintainer']
    assert maintainer.get('email') == setup['maintainer_email']
    # The pattern of catkin_pkg: colcon silently treats a package that does not match as plain
    # Python.
    assert re.fullmatch(r'[-a-zA-Z0-9_%+]+(\.[-a-zA-Z0-9_%+]+)*@[-a-zA-Z0-9%]+'
                        r'(\.[-a-zA-Z0-9%]+)*\.[a-zA-Z]{2,}', maintainer.get('email'))


def test_changelog_contains_this_version():
    lines = (ROOT / 'CHANGELOG.rst').read_text().splitlines()
    assert any(line.startswith(f'{edge_trt_ros.__version__} (') for line in lines)


def test_dependencies_are_listed_once():
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    names = [(element.tag, element.text) for element in package if element.tag.endswith('depend')]
    assert len(names) == len(set(names))


def test_installed_files_exist(monkeypatch):
    setup = setup_arguments(monkeypatch)
    installed = {source for _, sources in setup['data_files'] for source in sources}
    assert {'package.xml', 'resource/edge_trt_ros'} <= installed
    assert {str(path.relative_to(ROOT)) for path in (ROOT / 'launch').glob('*.py')} <= installed
    assert [source for source in installed if not (ROOT / source).is_file()] == []


def test_executables_can_be_imported(monkeypatch):
    for entry in setup_arguments(monkeypatch)['entry_points']['console_scripts']:
        module, function = entry.split(' = ')[1].split(':')
        assert callable(getattr(import_module(module), function)), entry


def test_every_file_in_cli_is_an_executable(monkeypatch):
    entries = setup_arguments(monkeypatch)['entry_points']['console_scripts']
    files = {path.stem for path in (ROOT / 'edge_trt_ros' / 'cli').glob('[!_]*.py')}
    assert files == {entry.split(' = ')[0] for entry in entries}


def test_an_installed_executable_can_start_a_build(tmp_path):
    executable = Path(sys.prefix) / 'lib' / 'edge_trt_ros' / 'build_engine'
    if not executable.exists():
        pytest.skip(f'there is no {executable}: the package is not installed as ros2 run finds it')
    path = save(dense_model(), tmp_path / 'm.onnx')
    done = subprocess.run([executable, path, '-o', tmp_path / 'm.engine', '--backend',
                           'onnxruntime'], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert 'built in' in done.stdout and (tmp_path / 'm.engine').exists()
