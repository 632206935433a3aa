"""What the engine builder node builds: a list of names, and a group of parameters for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_trt_ros.convert.labels import labels_from_file
from edge_trt_ros.convert.options import (BACKENDS, CALIBRATION_METHODS, ConversionRecipe,
                                          numbers_from_text, PRECISIONS, shape_from_text, TASKS)
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.node.parameters import check_fields, parameter


@dataclass(frozen=True)
class BuilderParameters:
    """Parameters of `engine_builder_node` itself."""

    models: tuple[str, ...] = parameter(
        (), 'Names of the models to build; each has a group of parameters <name>.*')
    allowed_folders: tuple[str, ...] = parameter(
        (), 'Folders that all files of the models have to lie in, symbolic links resolved; an '
        'empty list allows any.')

    def __post_init__(self) -> None:
        for name in self.models:
            if not name.isidentifier():
                raise ConfigurationError(f"models holds '{name}', expected names of letters, "
                                         'digits and underscores that begin with a letter')
        if len(set(self.models)) != len(self.models):
            raise ConfigurationError(f"models holds a name twice: {', '.join(self.models)}")

    def check_files(self, model: ModelParameters) -> None:
        """
        Refuse a model that reads or writes outside of the allowed folders.

        :raises ConfigurationError: naming parameter, path and folders.
        """
        folders = [Path(folder).expanduser().resolve() for folder in self.allowed_folders]
        for name in ('onnx_file_path', 'engine_file_path', 'labels_file_path', 'calibration'):
            path = getattr(model, name) and Path(getattr(model, name)).expanduser().resolve()
            if path and folders and not any(map(path.is_relative_to, folders)):
                raise ConfigurationError(
                    f'{name} leads to {path}, outside of allowed_folders '
                    f"({', '.join(map(str, folders))}): move the file, or allow its folder",
                    code='path_outside')


@dataclass(frozen=True)
class ModelParameters:
    """The group of parameters of one model."""

    onnx_file_path: str = parameter('', 'ONNX file to build from.', live=True)
    engine_file_path: str = parameter('', 'Where the engine goes.', live=True)
    backend: str = parameter(
        'auto', 'Library that will run the engine.', live=True, choices=BACKENDS)
    precision: str = parameter(
        'fp32', 'Arithmetic of the network.', live=True, choices=PRECISIONS)
    input_shape: str = parameter(
        '', 'Batch, channels, height, width as 1x3x640x640, for an ONNX that leaves them open.',
        live=True)
    max_candidates: int = parameter(
        1000, 'Boxes that leave the device for each image, before NMS.', live=True,
        limits=(1, 3840))
    labels_file_path: str = parameter(
        '', 'One label a line, or a YAML file with names; empty takes those in the ONNX.',
        live=True)
    anchors: str = parameter(
        '', 'Anchors in pixels as 12,16,19,36, for a YOLO exported without its grid.', live=True)
    input_contract: str = parameter(
        '', 'How pixels become the input, as JSON: {"color_order": "bgr", "scale": 1.0}; empty '
        'takes what the ONNX states.', live=True)
    task: str = parameter(
        '', 'What the network is for; empty takes what the ONNX states.', live=True,
        choices=TASKS)
    calibration: str = parameter(
        '', 'Folder of images or bag of what the robot will see, for int8.', live=True)
    calibration_topic: str = parameter(
        '', 'Image topic of the bag; empty takes the only one.', live=True)
    calibration_images: int = parameter(
        200, 'How many of them are used, evenly spread.', live=True, limits=(1, 100_000))
    calibration_method: str = parameter(
        'moving_average', 'How single images make a range.', live=True,
        choices=CALIBRATION_METHODS)
    max_accuracy_drop: float = parameter(
        0.05, 'Share of the boxes that int8 may lose before layers stay in fp16.', live=True,
        limits=(0.0, 1.0))
    workspace_mb: int = parameter(
        0, 'Scratch memory that TensorRT may use, in MiB; 0 sets no limit.', live=True,
        limits=(0, 1 << 20))
    compute_capabilities: tuple[str, ...] = parameter(
        (), 'GPUs that tensorrt_rtx builds for, as 8.6; an empty list gives an engine for all.',
        live=True)
    hardware_compatible: bool = parameter(
        False, 'With tensorrt: for every GPU from compute capability 8.0 on.', live=True)
    version_compatible: bool = parameter(
        False, 'With tensorrt: for its later versions, too.', live=True)
    sparsity: bool = parameter(
        False, 'The weights are pruned 2 of 4: allow kernels that skip the zeros.', live=True)
    dla: bool = parameter(
        False, 'Build for a deep learning accelerator (Jetson); what it lacks runs on the GPU.',
        live=True)
    force_engine_update: bool = parameter(
        False, 'Build even if the engine is fresh.', live=True)
    memory_limit_mb: int = parameter(
        0, 'Memory that a build may hold, in MiB; 0 sets no limit.', live=True,
        limits=(0, 1 << 24))
    reload_service: str = parameter(
        '', 'Trigger service to call after a new engine is installed, as /inference/reload.',
        live=True)

    def __post_init__(self) -> None:
        check_fields(self)

    def recipe(self) -> ConversionRecipe:
        """
        Return what to build.

        :raises ConfigurationError: for a shape or a label file that cannot be used.
        """
        return ConversionRecipe(
            backend=self.backend, precision=self.precision,
            input_shape=shape_from_text(self.input_shape),
            max_candidates=self.max_candidates,
            labels=labels_from_file(self.labels_file_path),
            anchors_wh=numbers_from_text(self.anchors),
            input_contract=self.input_contract, task=self.task, calibration=self.calibration,
            calibration_topic=self.calibration_topic,
            calibration_images=self.calibration_images,
            calibration_method=self.calibration_method,
            max_accuracy_drop=self.max_accuracy_drop, workspace_mb=self.workspace_mb,
            compute_capabilities=self.compute_capabilities,
            hardware_compatible=self.hardware_compatible,
            version_compatible=self.version_compatible, sparsity=self.sparsity,
            dla=self.dla)

    def paths(self) -> tuple[Path, Path]:
        """
        Return the ONNX file and the engine file.

        :raises ConfigurationError: if one of them is not given.
        """
        for name in ('onnx_file_path', 'engine_file_path'):
            if not getattr(self, name):
                raise ConfigurationError(f'{name} is empty: set it to the path of a file')
        return Path(self.onnx_file_path).expanduser(), Path(self.engine_file_path).expanduser()
