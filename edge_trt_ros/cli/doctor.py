# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Say what is here and what is missing for what, with the command that fixes it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import shutil
import sys

from edge_trt_ros.cli._command import DONE, print_json, REFUSED, run_command
from edge_trt_ros.doctor.host import Host
from edge_trt_ros.doctor.registry import examine
from edge_trt_ros.doctor.report_text import report_lines

_EPILOG = """\
Exit status: 0 if the nodes run here, 1 if something that they need is missing.

Ubuntu 24.04 refuses `pip install` outside of a virtual environment (PEP 668). There are two ways:

  python3 -m pip install --user --break-system-packages PACKAGE
      Recommended where ROS 2 comes from apt: `ros2 run` and `ros2 launch` start nodes with
      /usr/bin/python3, which reads the packages of your user, but not those of an environment.
      It changes no file of apt, in spite of its name; `pip uninstall PACKAGE` undoes it.

  python3 -m venv --system-site-packages ~/edge_venv && . ~/edge_venv/bin/activate
      Recommended without ROS, or if other programs of this user must not see the packages. The
      nodes then start with `python3 -m edge_trt_ros NAME`, or with `ros2 run` if the workspace
      is built in the environment: python3 -m colcon build
"""


def main() -> None:
    """Parse the command line, run the checks and print the report."""
    parser = argparse.ArgumentParser(prog='doctor', description=__doc__, epilog=_EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--params-file', type=Path, metavar='YAML',
                        help="check the allowed folders of an engine builder's parameter file")
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()

    def work() -> int:
        report = examine(Host(), arguments.params_file)
        if arguments.json:
            print_json(report.to_dict())
        else:
            terminal = sys.stdout.isatty()
            columns = shutil.get_terminal_size().columns if terminal else 80
            colored = terminal and not os.environ.get('NO_COLOR')
            print('\n'.join(report_lines(report, columns, colored)))
        return REFUSED if report.missing else DONE
    run_command(work)


if __name__ == '__main__':
    main()
