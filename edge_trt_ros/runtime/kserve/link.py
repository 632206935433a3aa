# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The way to a served model over time: up, down, and up again.

After a failure a thread connects anew until it succeeds, at growing intervals. A connection counts
only after the model's identity was checked and a trial frame was answered in time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Event, Lock, Thread
from time import monotonic

from edge_trt_ros.errors import EdgeTrtError
from edge_trt_ros.runtime.kserve.problems import ServerError
from edge_trt_ros.runtime.kserve.session import Session

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 0.8
_MAX_NEWS = 32


class Link:
    """
    Holds the session of a served model, and makes a new one after a failure.

    :param connect: connects, given the session before; raises `EdgeTrtError`.
    :ivar losses: how often a session was given up.
    """

    def __init__(self, connect: Callable[[Session | None], Session]) -> None:
        self._connect = connect
        self._lock = Lock()
        self._closing = Event()
        self._session: Session | None = None
        self._last: Session | None = None
        self._problem: EdgeTrtError | None = None
        self._probing: Thread | None = None
        self._up_since = 0.0
        self._news: deque[str] = deque(maxlen=_MAX_NEWS)
        self.losses = 0

    @property
    def session(self) -> Session | None:
        """The session; None while the server cannot be used."""
        return self._session

    @property
    def problem(self) -> EdgeTrtError | None:
        """Why the server cannot be used; None if it can."""
        return self._problem

    def up_s(self) -> float:
        """Return for how many seconds the server has been usable."""
        return monotonic() - self._up_since if self._session else 0.0

    def news(self) -> list[str]:
        """Return what happened since the last call, as sentences."""
        return [self._news.popleft() for _ in range(len(self._news))]

    def open(self) -> None:
        """
        Connect once.

        :raises EdgeTrtError: if that fails; nothing is held.
        """
        self._use(self._connect(None))

    def failed(self, session: Session | None, problem: EdgeTrtError) -> None:
        """
        Give up a session, and look for the server from now on.

        :param session: the session that failed; None if there is none yet.
        :param problem: why.
        """
        with self._lock:
            if self._closing.is_set() or self._session is not session:
                return
            self._session, self._problem = None, problem
            self.losses += session is not None
            self._news.append(f'{problem} [{problem.code}]')
            if self._probing is None:
                self._probing = Thread(target=self._probe, name='find_server', daemon=True)
                self._probing.start()
        if session is not None:
            session.close()

    def close(self) -> None:
        """End the search, close the connection and free the frames; may be called twice."""
        self._closing.set()
        probing = self._probing
        if probing is not None:
            probing.join()
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()
        if self._last is not None and self._last.buffers is not None:
            self._last.buffers.close()
        self._problem = self._problem or ServerError('the served engine is closed')

    def _probe(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._closing.wait(wait_s):
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            try:
                session = self._connect(self._last)
            except EdgeTrtError as error:
                self._problem = error
                continue
            self._use(session)
            self._news.append('the server is back')
            return

    def _use(self, session: Session) -> None:
        with self._lock:
            self._last, self._session, self._problem = session, session, None
            self._up_since, self._probing = monotonic(), None
