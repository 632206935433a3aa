# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Parameters of the engine builder node: a list of models, and a group for each model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.serve.destination import ONNX_BACKENDS, ServeDestination
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.node.parameters import DeclaredParameters
from edge_trt_ros.settings import check_settings, setting, settings_of


@dataclass(frozen=True)
class BuilderParameters:
    """Parameters of `engine_builder_node` itself."""

    models: tuple[str, ...] = setting(
        (), 'Names of the models to build; each model has a group of parameters <name>.*',
        is_fixed=True)
    allowed_folders: tuple[str, ...] = setting(
        (), 'Folders that must contain all files of the models, symbolic links resolved; an empty '
        'list allows any folder.', is_fixed=True)

    def __post_init__(self) -> None:
        for name in self.models:
            if not name.isidentifier():
                raise ConfigurationError(f"models contains '{name}', expected names of letters, "
                                         'digits and underscores that begin with a letter')
        if len(set(self.models)) != len(self.models):
            raise ConfigurationError(f"models contains a name twice: {', '.join(self.models)}")


@dataclass(frozen=True)
class ModelFiles:
    """Parameters of a model besides its build options."""

    onnx_file_path: str = setting('', 'ONNX file to build from.', live=True, is_path=True)
    engine_file_path: str = setting('', 'Engine file to write.', live=True, is_path=True)
    force_engine_update: bool = setting(
        False, 'Rebuild even if the engine is fresh.', live=True)
    memory_limit_mb: int = setting(
        0, 'Maximum memory of a build in MiB; 0 sets no limit.', live=True,
        limits=(0, 1 << 24))
    reload_service: str = setting(
        '', 'Trigger service to call after a new engine is installed, such as /inference/reload.',
        live=True)
    serve_folder: str = setting(
        '', "Folder of a server's model repository to which the engine is written after a build; "
        'the name of the engine file is that of the model.', live=True, is_path=True)
    serve_backend: str = setting(
        ONNX_BACKENDS[0], "The server's back end for an ONNX.", live=True, choices=ONNX_BACKENDS)
    server_url: str = setting(
        '', 'Server that is asked to load the new version, such as grpc://127.0.0.1:8001; the '
        'version before serves until the new one is ready.', live=True)
    server_token_file_path: str = setting(
        '', 'File with the token of the server.', live=True, is_path=True)
    server_certificate_file_path: str = setting(
        '', "File with the certificates that sign the server's.", live=True, is_path=True)

    def __post_init__(self) -> None:
        check_settings(self)
        if self.server_url and not self.serve_folder:
            raise ConfigurationError(f'server_url is {self.server_url}, but serve_folder is '
                                     'empty: set it to the model repository of that server')
        destination = self.destination()
        if destination is not None:
            destination.options(Path(self.engine_file_path or 'engine'))

    def destination(self) -> ServeDestination | None:
        """Return where the engine is served; None for nowhere."""
        return ServeDestination(
            Path(self.serve_folder).expanduser(), self.serve_backend, self.server_url,
            self.server_token_file_path, self.server_certificate_file_path
            ) if self.serve_folder else None

    def paths(self) -> tuple[Path, Path]:
        """
        Return the ONNX file and the engine file.

        :raises ConfigurationError: if a path is empty.
        """
        for name in ('onnx_file_path', 'engine_file_path'):
            if not getattr(self, name):
                raise ConfigurationError(f'{name} is empty: set it to the path of a file')
        return Path(self.onnx_file_path).expanduser(), Path(self.engine_file_path).expanduser()


class ModelParameters:
    """
    The group of parameters of a model: its files and its build options.

    :param node: the node that declares the parameters.
    :param name: the model's name, the prefix of each parameter.
    """

    def __init__(self, node: Node, name: str) -> None:
        self._files = DeclaredParameters(node, ModelFiles, f'{name}.')
        self._options = DeclaredParameters(node, BuildOptions, f'{name}.')

    @property
    def names(self) -> set[str]:
        """The full names of all parameters."""
        return self._files.names | self._options.names

    def files(self) -> ModelFiles:
        """
        Return the current files and services.

        :raises ConfigurationError: naming every invalid value.
        """
        return self._files.read()

    def options(self) -> BuildOptions:
        """
        Return the current build options; reads the label file.

        :raises ConfigurationError: naming the invalid value.
        """
        return self._options.read()

    def typed_options(self) -> dict[str, Any]:
        """
        Return the current build options as typed values by field; reads no file.

        :raises ConfigurationError: naming every invalid value.
        """
        return self._options.typed()

    def paths(self) -> dict[str, str]:
        """
        Return the path of each path parameter, by the parameter's name.

        :raises ConfigurationError: naming every invalid value.
        """
        typed = {**self._files.typed(), **self.typed_options()}
        return {declared.parameter: str(typed[declared.name])
                for kind in (ModelFiles, BuildOptions)
                for declared in settings_of(kind) if declared.is_path}

    def check_change(self, changes: list[Parameter]) -> SetParametersResult:
        """Accept or reject new parameter values; ignores parameters of other models."""
        result = self._files.check_change(changes)
        return result if not result.successful else self._options.check_change(changes)
