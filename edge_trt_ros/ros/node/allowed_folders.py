# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Confines the files that a node's parameters name to some folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_trt_ros.errors import ConfigurationError


def check_folders(allowed_folders: Sequence[str], paths: Mapping[str, str]) -> None:
    """
    Reject a path that leads outside of the allowed folders, symbolic links resolved.

    :param allowed_folders: the folders; none allows any path.
    :param paths: the paths by the name of their parameter; '' for none.
    :raises ConfigurationError: naming the parameter, its path and the folders.
    """
    folders = [Path(folder).expanduser().resolve() for folder in allowed_folders]
    for name, given in paths.items():
        path = given and Path(given).expanduser().resolve()
        if path and folders and not any(map(path.is_relative_to, folders)):
            raise ConfigurationError(
                f'{name} leads to {path}, outside of allowed_folders '
                f"({', '.join(map(str, folders))}): move the file, or allow its folder",
                code='path_outside')
