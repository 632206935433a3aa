"""What the engine builder node builds: a list of names, and a group of parameters for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.node.parameters import DeclaredParameters
from edge_trt_ros.settings import check_settings, setting, settings_of


@dataclass(frozen=True)
class BuilderParameters:
    """Parameters of `engine_builder_node` itself."""

    models: tuple[str, ...] = setting(
        (), 'Names of the models to build; each has a group of parameters <name>.*')
    allowed_folders: tuple[str, ...] = setting(
        (), 'Folders that all files of the models have to lie in, symbolic links resolved; an '
        'empty list allows any.')

    def __post_init__(self) -> None:
        for name in self.models:
            if not name.isidentifier():
                raise ConfigurationError(f"models holds '{name}', expected names of letters, "
                                         'digits and underscores that begin with a letter')
        if len(set(self.models)) != len(self.models):
            raise ConfigurationError(f"models holds a name twice: {', '.join(self.models)}")

    def check_files(self, paths: dict[str, str]) -> None:
        """
        Refuse a model that reads or writes outside of the allowed folders.

        :param paths: what the parameters of the model hold, by their names; '' for none.
        :raises ConfigurationError: naming parameter, path and folders.
        """
        folders = [Path(folder).expanduser().resolve() for folder in self.allowed_folders]
        for name, given in paths.items():
            path = given and Path(given).expanduser().resolve()
            if path and folders and not any(map(path.is_relative_to, folders)):
                raise ConfigurationError(
                    f'{name} leads to {path}, outside of allowed_folders '
                    f"({', '.join(map(str, folders))}): move the file, or allow its folder",
                    code='path_outside')


@dataclass(frozen=True)
class ModelFiles:
    """Parameters of one model besides its build options."""

    onnx_file_path: str = setting('', 'ONNX file to build from.', live=True, is_path=True)
    engine_file_path: str = setting('', 'Where the engine goes.', live=True, is_path=True)
    force_engine_update: bool = setting(
        False, 'Build even if the engine is fresh.', live=True)
    memory_limit_mb: int = setting(
        0, 'Memory that a build may hold, in MiB; 0 sets no limit.', live=True,
        limits=(0, 1 << 24))
    reload_service: str = setting(
        '', 'Trigger service to call after a new engine is installed, as /inference/reload.',
        live=True)

    def __post_init__(self) -> None:
        check_settings(self)

    def paths(self) -> tuple[Path, Path]:
        """
        Return the ONNX file and the engine file.

        :raises ConfigurationError: if one of them is not given.
        """
        for name in ('onnx_file_path', 'engine_file_path'):
            if not getattr(self, name):
                raise ConfigurationError(f'{name} is empty: set it to the path of a file')
        return Path(self.onnx_file_path).expanduser(), Path(self.engine_file_path).expanduser()


class ModelParameters:
    """
    The group of parameters of one model: its files, and its build options.

    :param node: the node that owns them.
    :param name: the model's name, which all of them begin with.
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
        Return files and services of now.

        :raises ConfigurationError: naming every value that cannot be used.
        """
        return self._files.read()

    def options(self) -> BuildOptions:
        """
        Return the build options of now; reads the file of labels.

        :raises ConfigurationError: naming a value that cannot be used.
        """
        return self._options.read()

    def typed_options(self) -> dict[str, Any]:
        """
        Return the build options as they are typed, by field; reads no file.

        :raises ConfigurationError: naming every value that cannot be used.
        """
        return self._options.typed()

    def paths(self) -> dict[str, str]:
        """
        Return every path that the parameters hold, by the parameter's name.

        :raises ConfigurationError: naming every value that cannot be used.
        """
        typed = {**self._files.typed(), **self.typed_options()}
        return {one.parameter: str(typed[one.name])
                for kind in (ModelFiles, BuildOptions) for one in settings_of(kind) if one.is_path}

    def check_change(self, changes: list[Parameter]) -> SetParametersResult:
        """Answer a request to set parameters; those of others are left to them."""
        result = self._files.check_change(changes, locked=False)
        return result if not result.successful else self._options.check_change(
            changes, locked=False)
