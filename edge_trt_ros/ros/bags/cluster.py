# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs units on a Dask cluster, whose machines see the same bags and engine."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Any

from edge_trt_ros.errors import BagError, first_line
from edge_trt_ros.optional_libraries import require
from edge_trt_ros.ros.bags.processes import Results, UnitProgress
from edge_trt_ros.ros.bags.unit import Outcome, run_unit, Unit
from edge_trt_ros.vision.letterbox import use_one_core

_CONNECT_S = 10
_REPORT_S = 0.5
# Units that wait at each thread of the cluster, so that it need not wait for the next one.
_WAITING = 2
_TOPIC = 'edge_trt_ros'


def run_on_cluster(units: Iterator[Unit], progress: UnitProgress, address: str) -> Results:
    """
    Run units on a Dask cluster.

    :param units: the units; taken when the cluster has room.
    :param progress: called with the progress of a unit.
    :param address: address of the scheduler, such as tcp://192.168.1.20:8786.
    :raises BagError: if there is no scheduler, or no worker.
    """
    distributed = require('distributed', '--scheduler')
    try:
        client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise BagError(f'there is no Dask scheduler at {address} ({first_line(error)}): start '
                       'it with `dask scheduler`, or correct --scheduler',
                       code='cluster_unreachable') from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise BagError(f'the Dask scheduler at {address} has no workers: start one with '
                           f'`dask worker {address} --nthreads 1`', code='cluster_unreachable')
        running: dict[str, Unit] = {}

        def reported(event: tuple[float, Any]) -> None:
            key, fraction = event[1]
            if key in running:
                progress(running[key], fraction)
        client.subscribe_topic(_TOPIC, reported)
        done = distributed.as_completed(loop=client.loop)

        def submit() -> None:
            unit = next(units, None)
            if unit is not None:
                key = f'{unit.shown}/{unit.name}/{unit.work[:8]}'
                running[key] = unit
                done.add(client.submit(_work, unit, key, key=key, pure=False))
        for _ in range(_WAITING * threads):
            submit()
        for future in done:
            yield running.pop(future.key), _outcome(future)
            future.release()
            submit()


def _outcome(future: Any) -> Outcome:
    try:
        found: Outcome = future.result()
        return found
    except Exception as error:  # Dask raises what it met while it moved or ran the unit
        return Outcome(None, f'the Dask cluster failed ({first_line(error)}): look into the logs '
                       'of its workers, which need this package and the same paths',
                       'bag_process_lost')


def _work(unit: Unit, key: str) -> Outcome:
    """Run on a worker; its threads each keep their engine open."""
    use_one_core()
    worker = require('distributed', 'a worker').get_worker()
    reported_at = monotonic()

    def progress(fraction: float) -> None:
        nonlocal reported_at
        if monotonic() - reported_at > _REPORT_S:
            reported_at = monotonic()
            worker.log_event(_TOPIC, (key, fraction))
    return run_unit(unit, progress)
