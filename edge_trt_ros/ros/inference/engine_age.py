# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Finds out whether the engine in use is outdated: by its file, its ONNX file or its library."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path
from threading import Thread

from edge_trt_ros.engine_file import read_manifest
from edge_trt_ros.errors import EdgeTrtError
from edge_trt_ros.manifest import manifest_path, REBUILD
from edge_trt_ros.ros.inference.settings import StreamSettings

_Signature = tuple[object, ...]


class EngineAge:
    """
    Compares files only when they change, since /diagnostics ask each second.

    :ivar problem: what is outdated and what to do, of the latest comparison; '' if nothing is.
    """

    def __init__(self) -> None:
        self.problem = ''
        self._signature: _Signature = ()
        self._thread: Thread | None = None

    def look(self, settings: StreamSettings) -> None:
        """
        Compare the files with an engine if one of them has changed.

        :param settings: the settings with the engine; their parameters say what to compare.
        """
        parameters = settings.parameters
        paths = [Path(parameters.health_onnx_file_path).expanduser()
                 if parameters.health_onnx_file_path else None,
                 manifest_path(Path(parameters.engine_file_path).expanduser())
                 if parameters.health_check_engine and parameters.engine_file_path else None]
        signature = (settings.runtime.manifest.engine_sha256, parameters.health_check_engine,
                     *(_changed_at(path) for path in paths))
        if signature == self._signature or self._thread and self._thread.is_alive():
            return
        self._signature = signature
        # On a thread, since an ONNX file may have gigabytes to hash.
        self._thread = Thread(target=self._compare, args=(settings, *paths), daemon=True)
        self._thread.start()

    def _compare(self, settings: StreamSettings, onnx: Path | None, manifest: Path | None) -> None:
        self.problem = '; '.join(_problems(settings, onnx, manifest))


def _problems(settings: StreamSettings, onnx: Path | None, manifest: Path | None
              ) -> Iterator[str]:
    used = settings.runtime.manifest
    if onnx:
        try:
            with onnx.open('rb') as file:
                is_same = not used.onnx_sha256 or file_digest(file, 'sha256').hexdigest() == \
                    used.onnx_sha256
        except OSError as error:
            yield (f'health_onnx_file_path {onnx} cannot be read ({error.strerror}): correct it, '
                   'or set it to an empty text')
        else:
            if not is_same:
                yield f'the engine is not built from {onnx} as it is now: {REBUILD}'
    if not settings.parameters.health_check_engine:
        return
    if manifest:
        try:
            installed = read_manifest(manifest.with_suffix(''))
            if installed.engine_sha256 != used.engine_sha256:
                yield (f'another engine is installed since {installed.built_at}: call ~/reload '
                       'to use it')
        except EdgeTrtError as error:
            yield f'the engine file no longer fits: {error}'
    version = settings.opened.library_version
    if version and version != used.backend_version:
        yield (f'the engine is built with {used.backend} {used.backend_version}, but {version} '
               f'runs it: {REBUILD}')


def _changed_at(path: Path | None) -> _Signature:
    try:
        status = path.stat() if path else None
    except OSError:
        status = None
    return (str(path), status.st_mtime_ns, status.st_size) if status else (str(path),)
