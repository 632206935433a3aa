# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Free disk space, and the folders of an engine builder."""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path
import shlex
import shutil
from typing import Any

from edge_trt_ros.doctor.finding import Finding, MISSING, OK, WARNING
from edge_trt_ros.doctor.surroundings import Surroundings
from edge_trt_ros.files import read_file
from edge_trt_ros.runtime.cuda.kernel_cache import cache_folder

_FREE_BYTES = 2 << 30


def disk(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the space for engines in the working directory and for compiled code in the cache."""
    full = [found for folder in (Path.cwd(), cache_folder())
            for found in _space('disk', folder)]
    here = Path.cwd()
    yield from full or [Finding('disk', OK, f'{_free_gb(here):.0f} GB free in {here}')]


def _space(name: str, folder: Path) -> Iterator[Finding]:
    free_gb = _free_gb(folder)
    if free_gb * 1e9 < _FREE_BYTES:
        yield Finding(name, WARNING, f'{folder} has {free_gb:.1f} GB left; a build may need '
                      f'{_FREE_BYTES / 1e9:.0f} GB', f'du -xh {shlex.quote(str(folder))} | sort -h'
                      ' | tail')


def _free_gb(folder: Path) -> float:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e9


def allowed_folders(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the folders that a builder's parameter file allows."""
    path = surroundings.params_file
    if path is None:
        return
    if not surroundings.works('yaml'):
        yield Finding('folders', WARNING, f'{path} cannot be read without PyYAML')
        return
    import yaml
    try:
        document = yaml.safe_load(read_file(path, 1 << 20))
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else ' '.join(str(error).split())
        yield Finding('folders', MISSING, f'{path} cannot be read: {why}')
        return
    folders = list(dict.fromkeys(_allowed(document)))
    if not folders:
        yield Finding('folders', OK, f'{path.name} allows any folder')
    problems = [found for folder in folders for found in _folder(Path(folder).expanduser())]
    yield from problems
    if folders and not problems:
        yield Finding('folders', OK, f"{', '.join(folders)}: can be written")


def _allowed(document: Any) -> Iterator[str]:
    """Yield the allowed folders of all nodes in a parameter file, however deep their names are."""
    if not isinstance(document, dict):
        return
    for key, value in document.items():
        if key == 'ros__parameters' and isinstance(value, dict):
            listed = value.get('allowed_folders')
            yield from (str(folder) for folder in listed or () if folder) \
                if isinstance(listed, list) else ()
        else:
            yield from _allowed(value)


def _folder(folder: Path) -> Iterator[Finding]:
    quoted = shlex.quote(str(folder))
    if not folder.is_dir():
        yield Finding('folders', WARNING, f'{folder} of allowed_folders does not exist',
                      f'mkdir -p {quoted}')
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield Finding('folders', WARNING, f'{folder} of allowed_folders cannot be written',
                      f'sudo chown "$USER" {quoted}')
    else:
        yield from _space('folders', folder)
