# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recognise what a model is stored as, from its name or first bytes; loads nothing."""

from __future__ import annotations

from enum import Enum
import importlib.util
from pathlib import Path
import zipfile

from edge_trt_ros.errors import ModelError
from edge_trt_ros.optional_libraries import pip_install

KERAS_SUFFIXES = ('.keras', '.h5', '.hdf5')


class SourceKind(Enum):
    """The kinds of source that can be exported."""

    CALLABLE = 'callable'
    TORCHVISION = 'torchvision'
    TORCHSCRIPT = 'torchscript'
    TORCH_EXPORT = 'torch.export'
    PICKLE = 'pickle'
    TENSORFLOW = 'tensorflow'


def kind_of_source(source: str) -> SourceKind:
    """
    Return the kind of a source.

    :param source: `module:callable`, a file, a folder, or the name of a torchvision model.
    :raises ModelError: if it is none of these.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        if (path / 'saved_model.pb').is_file():
            return SourceKind.TENSORFLOW
        raise ModelError(f'{source} is a folder without saved_model.pb, expected a TensorFlow '
                         'SavedModel: give a file, or module:callable')
    if path.is_file():
        return _kind_of_file(path)
    module, _, name = source.partition(':')
    if name.isidentifier() and all(part.isidentifier() for part in module.split('.')):
        return SourceKind.CALLABLE
    if not source.isidentifier():
        raise ModelError(f'{source} is neither a regular file, a folder, nor module:callable')
    if importlib.util.find_spec('torchvision') is None:
        raise ModelError(f"there is no file {source}; to export the torchvision model '{source}', "
                         f"install torchvision: {pip_install('torchvision')}",
                         code='torchvision_missing')
    return SourceKind.TORCHVISION


def _kind_of_file(path: Path) -> SourceKind:
    if path.suffix.lower() in KERAS_SUFFIXES:
        return SourceKind.TENSORFLOW
    try:
        with open(path, 'rb') as file:
            head = file.read(8)
        if not head:
            raise ModelError(f'{path} is empty: save it again')
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                # PyTorch's archives hold one folder of any name.
                names = {name.partition('/')[2] for name in archive.namelist()}
            if 'archive_format' in names:
                return SourceKind.TORCH_EXPORT
            if 'constants.pkl' in names:
                return SourceKind.TORCHSCRIPT
            if 'data.pkl' in names:
                return SourceKind.PICKLE
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f'{path} cannot be read: {error}') from error
    if head[:1] == b'\x80':
        return SourceKind.PICKLE
    raise ModelError(f'{path} is not a file that torch.save, torch.jit.save or torch.export.save '
                     'wrote, nor a Keras file: check that the file is complete')
