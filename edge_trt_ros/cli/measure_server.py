# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measure a server under the load of several robots, and simulate many from it."""

from __future__ import annotations

import argparse

from edge_trt_ros.cli._command import print_json, run_command


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog='measure_server', description=__doc__)
    parser.add_argument('url', metavar='grpc://HOST:PORT', help='address of the server')
    parser.add_argument('model', help='model on the server, such as road or road/3')
    parser.add_argument('--robots', type=_positive, nargs='+', default=[1, 2, 4, 8],
                        help='numbers of robots, each with a connection of its own')
    parser.add_argument('--rate', type=float, default=30.0, metavar='HZ',
                        help='images per second of each robot')
    parser.add_argument('--size', type=_size, default=(1280, 720), metavar='WxH',
                        help='size of the images')
    parser.add_argument('--seconds', type=float, default=10.0, help='duration of each load')
    parser.add_argument('--simulate', type=_positive, nargs='*', default=[], metavar='ROBOTS',
                        help='numbers of robots to simulate from the measured answers per second')
    parser.add_argument('--engines', type=_positive, nargs='+', default=[1], metavar='N',
                        help='numbers of such engines in the simulation')
    arguments = parser.parse_args()
    if arguments.rate <= 0 or arguments.seconds <= 0:
        parser.error('--rate and --seconds must be positive')

    def work() -> None:
        from edge_trt_ros.benchmark.fleet_simulation import simulate_fleet
        from edge_trt_ros.benchmark.server_load import measure_load, rounded
        from edge_trt_ros.runtime.kserve.options import ServerOptions
        options = ServerOptions(arguments.url, arguments.model)
        most_hz = 0.0
        for robots in arguments.robots:
            load = measure_load(options, arguments.size, robots, arguments.rate,
                                arguments.seconds)
            most_hz = max(most_hz, load.answered_hz)
            print_json({'measured': rounded(load)})
        for robots in arguments.simulate:
            for engines in arguments.engines:
                print_json({'simulated': rounded(simulate_fleet(
                    robots, arguments.rate, most_hz, engines))})
    run_command(work)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError('must be at least 1')
    return number


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition('x')
    return _positive(width), _positive(height)


if __name__ == '__main__':
    main()
