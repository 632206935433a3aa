# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The checks in the order of the report, and the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_trt_ros import __version__
from edge_trt_ros.doctor.checks import folders, gpu, jetson, libraries, ros, transport
from edge_trt_ros.doctor.finding import Finding, MISSING
from edge_trt_ros.doctor.host import Host
from edge_trt_ros.doctor.imports import import_all, TIMEOUT_S
from edge_trt_ros.doctor.surroundings import IMPORT_GROUPS, Surroundings

Check = Callable[[Surroundings], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    ros.python, libraries.needed_libraries, ros.ros, ros.messages, libraries.onnxruntime,
    libraries.onnx, gpu.gpu, gpu.tensorrt, gpu.pycuda, gpu.cuda_bindings, gpu.kernel_compiler,
    jetson.jetson, transport.transport, transport.shared_memory, folders.disk,
    folders.allowed_folders, ros.optional_ros, libraries.features)


@dataclass(frozen=True)
class Report:
    """
    What all checks found.

    :param host: the machine.
    :param runs_on: the back end that runs engines here; '' for none.
    :param findings: in the order of `CHECKS`.
    """

    host: Host
    runs_on: str
    findings: tuple[Finding, ...]

    @property
    def missing(self) -> list[Finding]:
        """The findings without whose fix the nodes do not run."""
        return [finding for finding in self.findings if finding.status == MISSING]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {'edge_trt_ros': __version__, 'system': self.host.system,
                'ready': not self.missing, 'runs_on': self.runs_on,
                'missing': [finding.name for finding in self.missing],
                'findings': [asdict(finding) for finding in self.findings]}


def examine(host: Host, params_file: Path | None = None, timeout_s: float = TIMEOUT_S) -> Report:
    """
    Run all checks.

    :param host: the machine.
    :param params_file: parameter file of an engine builder; None for none.
    :param timeout_s: time after which an import counts as hanging.
    """
    surroundings = Surroundings(host, import_all(IMPORT_GROUPS, timeout_s), params_file)
    return Report(host, surroundings.runs_on,
                  tuple(finding for check in CHECKS for finding in check(surroundings)))
