# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The bag that is written: finished slices in a hidden folder, which becomes the bag at the end.

Each step is one rename, so a process that is killed at any moment leaves a bag that is finished,
or slices that the next run uses again. The hidden folder is locked by the run that fills it.
"""

from __future__ import annotations

from collections.abc import Sequence
import fcntl
import os
from pathlib import Path
import shutil
from typing import Any

import yaml

from edge_trt_ros.errors import BagError
from edge_trt_ros.files import write_file
from edge_trt_ros.ros.bags.bag_writer import flush, writing
from edge_trt_ros.ros.bags.record import METADATA, read_metadata, RECORD, Record, record_of
from edge_trt_ros.ros.bags.task import Counts, Span


class BagTarget:
    """
    A bag that is written in slices.

    :param path: folder of the bag.
    :param work: identifies engine and task (`record.work_key`).
    :param source: the bag that is read.
    """

    def __init__(self, path: Path, work: str, source: Path) -> None:
        self.path, self._work, self._source = path, work, source
        self.folder = path.with_name(f'.{path.name}.unfinished')
        self._lock = -1

    def finished(self) -> Counts | None:
        """
        Return what a finished bag contains; None if there is none.

        :raises BagError: if the path exists and is not the result of the same work.
        """
        if not self.path.exists():
            return None
        try:
            record = record_of(read_metadata(self.path))
        except (BagError, OSError):
            record = None
        if record is None or not record.fits(self._work, self._source, Span()):
            raise BagError(f'{self.path} exists already, and is not the result of this bag with '
                           'this engine and these options: remove it, or choose another name',
                           code='bag_exists')
        return record.counts

    def open(self) -> None:
        """
        Lock the hidden folder, and remove what a killed process left unfinished in it.

        :raises BagError: if another process fills it, or it cannot be written.
        """
        with writing(self.path):
            while self._lock < 0:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._lock = _locked(self.folder, self.path)
            self._sweep()

    def part_name(self, index: int) -> str:
        """Return the name of a slice, as `ros2 bag record` names the files of a split bag."""
        return f'{self.path.name}_{index}'

    def part(self, index: int, span: Span) -> Counts | None:
        """Return what a finished slice contains; None, and removes it, if it does not fit."""
        folder = self.folder / self.part_name(index)
        try:
            metadata = read_metadata(folder)
            record = record_of(metadata)
            if record and record.fits(self._work, self._source, span) and all(
                    self._data(index, file['path']).exists() for file in metadata['files']):
                return record.counts
        except (BagError, OSError):
            pass  # it is not there, or was left by another version
        shutil.rmtree(folder, ignore_errors=True)
        for path in self.folder.glob(f'{self.part_name(index)}.*'):
            path.unlink()
        return None

    def finish(self, spans: Sequence[Span]) -> None:
        """
        Make the bag from its slices.

        :param spans: the slices, all of them finished.
        :raises BagError: if it cannot be written.
        """
        with writing(self.path):
            parts = [self.folder / self.part_name(index) for index in range(len(spans))]
            if not (self.folder / METADATA).exists():
                found = [read_metadata(part) for part in parts]
                for index, metadata in enumerate(found):
                    for file in metadata['files']:
                        os.replace(self._data(index, file['path']), self.folder / file['path'])
                text = yaml.safe_dump({'rosbag2_bagfile_information': _merged(found)},
                                      sort_keys=False)
                write_file(self.folder / METADATA, text.encode())
            for part in parts:
                shutil.rmtree(part, ignore_errors=True)
            os.rename(self.folder, self.path)
            flush(self.path.parent)

    def close(self, *, keep: bool) -> None:
        """
        Unlock the hidden folder.

        :param keep: whether finished slices stay for the next run.
        """
        if self._lock < 0:
            return
        self._sweep()
        if not keep or not self.folder.exists() or not any(self.folder.iterdir()):
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1

    def _sweep(self) -> None:
        """Remove what processes that ended left unfinished."""
        for path in self.folder.glob('.*.tmp'):
            shutil.rmtree(path, ignore_errors=True)

    def _data(self, index: int, name: str) -> Path:
        """Return the file of a slice, which `finish` may have moved before it was killed."""
        moved = self.folder / name
        return moved if moved.exists() else self.folder / self.part_name(index) / name


def _locked(folder: Path, shown: Path) -> int:
    """Lock a folder; return -1 if it was finished or removed meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BagError(f'{shown} is being written by another process: wait for it, or end it',
                       code='bag_in_use') from None
    if folder.exists() and os.path.samestat(os.fstat(descriptor), folder.stat()):
        return descriptor
    os.close(descriptor)
    return -1


def _merged(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the metadata of a bag from those of its slices; empty slices have no file."""
    filled = [part for part in parts if part['message_count']] or [parts[0]]
    start = min(_start(part) for part in filled)
    end = max(_start(part) + part['duration']['nanoseconds'] for part in filled)
    merged = dict(filled[0])
    merged['files'] = [file for part in filled for file in part['files']]
    merged['relative_file_paths'] = [file['path'] for file in merged['files']]
    merged['starting_time'] = {'nanoseconds_since_epoch': start}
    merged['duration'] = {'nanoseconds': end - start}
    merged['message_count'] = sum(part['message_count'] for part in filled)
    merged['topics_with_message_count'] = [
        {**topics[0], 'message_count': sum(topic['message_count'] for topic in topics)}
        for topics in zip(*(part['topics_with_message_count'] for part in parts))]
    counts = Counts()
    records = [record_of(part) for part in parts]
    for record in records:
        if record is not None:
            counts.add(record.counts)
    if records[0] is not None:
        merged['custom_data'] = {RECORD: Record(
            records[0].work, records[0].files, Span(), counts).to_json()}
    return merged


def _start(part: dict[str, Any]) -> int:
    return int(part['starting_time']['nanoseconds_since_epoch'])
