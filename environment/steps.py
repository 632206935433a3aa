# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The parts of environment/install that are easier said in Python; it says when each is called.

In: a command and paths; out: files in .venv, or requirement lines on stdout. Standard library
only: it runs in a virtual environment that holds nothing yet.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from pathlib import Path
import re
import runpy
import sys
import sysconfig
import types
from typing import Any

# The guard is needed: the child process of a build imports the script that its parent ran.
WRAPPER = """\
#!/bin/sh
'''exec' "$(dirname "$0")/../../bin/python" "$0" "$@"
' '''
import sys
from {module} import {function}
if __name__ == '__main__':
    sys.exit({function}())
"""

# Where a distribution's package manager has it without the metadata of a wheel, or renamed.
IMPORT_NAMES = {'opencv-python-headless': 'cv2', 'lark-parser': 'lark', 'empy': 'em'}

# What a sourced ROS 2 brings by itself; its wheels would shadow it.
WHEELS_OF_ROS = 'ros-'


def main(arguments: list[str]) -> None:
    """Run one command of environment/install."""
    command, *rest = arguments
    if command == 'link':
        link_package(Path(rest[0]), Path(rest[1]), rest[2])
    elif command == 'patch-cmake':
        patch_cmake(Path(rest[0]))
    elif command == 'missing':
        print('\n'.join(missing_requirements([Path(name) for name in rest])))
    else:
        raise SystemExit(f'steps.py: unknown command {command}')


def link_package(root: Path, prefix: Path, mode: str) -> None:
    """
    Give the package in `root` the shape of an installed ament package in `prefix`, by links.

    Edits of code, launch files and configuration show at once; new files, after the next run.
    """
    setup = read_setup(root)
    name = setup['name']

    lines = [str(root)]
    if mode == 'wheels':
        # So that .venv/bin/python alone suffices, without environment/activate.
        lines.append("import os, sys; os.environ.setdefault('AMENT_PREFIX_PATH', sys.prefix); "
                     "os.environ.setdefault('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp')")
    series = f'python{sys.version_info.major}.{sys.version_info.minor}'
    write_if_changed(prefix / 'lib' / series / 'site-packages' / f'{name}.pth',
                     '\n'.join(lines) + '\n')

    wanted = {}
    for folder, sources in setup['data_files']:
        for source in sources:
            wanted[prefix / folder / Path(source).name] = root / source
    for target, source in wanted.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_symlink() or os.readlink(target) != str(source):
            target.unlink(missing_ok=True)
            target.symlink_to(source)
    for link in (prefix / 'share' / name).rglob('*'):
        if link.is_symlink() and link not in wanted:
            link.unlink()

    executables = prefix / 'lib' / name
    executables.mkdir(parents=True, exist_ok=True)
    names = set()
    for entry in setup['entry_points']['console_scripts']:
        executable, module, function = re.split(r'\s*[=:]\s*', entry)
        names.add(executable)
        write_if_changed(executables / executable,
                         WRAPPER.format(module=module, function=function))
        (executables / executable).chmod(0o755)
    for path in executables.iterdir():
        if path.name not in names:
            path.unlink()


def read_setup(root: Path) -> dict[str, Any]:
    """Return what setup.py passes to setuptools, which need not be there."""
    captured: dict[str, Any] = {}
    stub = types.ModuleType('setuptools')
    stub.setup = lambda **fields: captured.update(fields)  # type: ignore[attr-defined]
    stub.find_packages = lambda **_: []  # type: ignore[attr-defined]
    before = os.getcwd(), sys.modules.get('setuptools')
    os.chdir(root)
    sys.modules['setuptools'] = stub
    try:
        runpy.run_path('setup.py')
    finally:
        os.chdir(before[0])
        del sys.modules['setuptools']
        if before[1] is not None:
            sys.modules['setuptools'] = before[1]
    return captured


def write_if_changed(path: Path, text: str) -> None:
    """Replace a file in one step, and only if it differs: another process may be running it."""
    if path.is_file() and path.read_text() == text:
        return
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    temporary.write_text(text)
    temporary.replace(path)


def patch_cmake(prefix: Path) -> None:
    """Put this Python's include folders where the wheels name those of their build machine."""
    python_include = sysconfig.get_paths()['include']
    numpy_spec = importlib.util.find_spec('numpy')
    if numpy_spec is None or numpy_spec.origin is None:
        raise SystemExit('steps.py: numpy is not installed')
    numpy_include = str(Path(numpy_spec.origin).parent / '_core' / 'include')
    build_machine = re.compile(
        r'/opt/python/cp\d+-cp\d+/'
        r'(?:(include/python3\.\d+)|lib/python3\.\d+/site-packages/numpy/_core/include)')
    for path in (prefix / 'share').rglob('*.cmake'):
        text = path.read_text()
        patched = build_machine.sub(
            lambda match: python_include if match[1] else numpy_include, text)
        if patched != text:
            write_if_changed(path, patched)


def missing_requirements(files: list[Path]) -> list[str]:
    """Return the pinned lines of `files` whose distribution is not installed, in any version."""
    missing = []
    for file in files:
        for line in file.read_text().splitlines():
            name = line.split('==')[0].strip()
            if not name or name.startswith(('#', WHEELS_OF_ROS)) or is_installed(name):
                continue
            missing.append(line)
    return missing


def is_installed(distribution: str) -> bool:
    """Return whether a distribution is installed, by its metadata or else by its module."""
    if distribution in IMPORT_NAMES:
        return importlib.util.find_spec(IMPORT_NAMES[distribution]) is not None
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == '__main__':
    main(sys.argv[1:])
