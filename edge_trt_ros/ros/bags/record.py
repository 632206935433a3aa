# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a result was made from, stored in the result, so that finished work is recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from edge_trt_ros.errors import BagError
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.ros.bags.task import BagTask, Counts, Span

# Key of `custom_data` in metadata.yaml.
RECORD = 'edge_trt_ros'
METADATA = 'metadata.yaml'


@dataclass(frozen=True)
class SourceFile:
    """
    A file of a bag that was read.

    :param name: its name.
    :param size: its size in bytes.
    :param mtime_ns: when it was changed.
    :param sha256: hash of its content; '' if it was not computed.
    """

    name: str
    size: int
    mtime_ns: int
    sha256: str = ''

    def is_same(self, path: Path) -> bool:
        """Return whether a file has the same content; an unchanged file is not read."""
        status = path.stat()
        if status.st_size != self.size:
            return False
        return status.st_mtime_ns == self.mtime_ns or (
            bool(self.sha256) and _sha256(path) == self.sha256)


@dataclass(frozen=True)
class Record:
    """
    What a bag, or a slice of it, was made from, and what was found.

    :param work: identifies the engine and the task.
    :param files: the files of the source.
    :param span: the slice of the source.
    :param counts: what was found.
    """

    work: str
    files: tuple[SourceFile, ...]
    span: Span
    counts: Counts

    def fits(self, work: str, source: Path, span: Span) -> bool:
        """Return whether the same work on the same content would give the same result."""
        paths = {path.name: path for path in source_paths(source)}
        return self.work == work and self.span == span and {
            file.name for file in self.files} == set(paths) and all(
                file.is_same(paths[file.name]) for file in self.files)

    def to_json(self) -> str:
        """Return the record as a line."""
        return json.dumps({
            'work': self.work, 'files': [vars(file) for file in self.files],
            'span': vars(self.span), 'counts': self.counts.to_dict()})


def work_key(engine_path: Path, backend: str, task: BagTask) -> str:
    """
    Return what identifies an engine and a task.

    :raises OSError: if the engine cannot be read.
    """
    hashes = [_sha256(path) for path in (engine_path, manifest_path(engine_path))
              if path == engine_path or path.exists()]
    return sha256_hex(json.dumps([1, hashes, backend, task.to_dict()]).encode())


def source_paths(source: Path) -> list[Path]:
    """Return the files of a bag."""
    if source.is_file():
        return [source]
    return sorted(path for path in source.iterdir() if path.is_file())


def source_files(source: Path, *, hashed: bool) -> tuple[SourceFile, ...]:
    """Return size, time and, if asked for, hash of the files of a bag."""
    found = []
    for path in source_paths(source):
        status = path.stat()
        found.append(SourceFile(path.name, status.st_size, status.st_mtime_ns,
                                _sha256(path) if hashed else ''))
    return tuple(found)


def read_metadata(folder: Path) -> dict[str, Any]:
    """
    Return the metadata of a bag.

    :raises OSError: if it cannot be read.
    :raises BagError: if it is not metadata.
    """
    text = (folder / METADATA).read_text(encoding='utf-8')
    try:
        found: dict[str, Any] = yaml.safe_load(text)['rosbag2_bagfile_information']
        found['files'], found['message_count']
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise BagError(f'{folder / METADATA} is not the metadata of a bag: remove {folder}'
                       ) from error
    return found


def record_of(metadata: Mapping[str, Any]) -> Record | None:
    """Return the record in the metadata of a bag; None if this command did not write it."""
    try:
        values = json.loads((metadata['custom_data'] or {})[RECORD])
        return Record(values['work'], tuple(SourceFile(**file) for file in values['files']),
                      Span(**values['span']), Counts.from_dict(values['counts']))
    except (BagError, KeyError, TypeError, ValueError):
        return None


def _sha256(path: Path) -> str:
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()
