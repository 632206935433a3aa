# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Start the demo's detector, score its detections, and write pictures and a result."""

from edge_trt_ros.cli._command import DONE, REFUSED, run_command
from edge_trt_ros.optional_libraries import require_ros


def main() -> None:
    """Run the scoreboard until the demo is scored."""
    def work() -> int:
        require_ros('this command')
        from edge_trt_ros.demo.nodes.scoreboard import run_scoreboard
        return DONE if run_scoreboard() else REFUSED
    run_command(work)


if __name__ == '__main__':
    main()
