"""What becomes of a request to the builder: a build under way, and the two ways it ends."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.task import Future

from edge_trt_ros.convert.build_job import BuildJob, BuildOutcome


@dataclass(frozen=True)
class Build:
    """
    The build that is under way.

    :param name: of the model.
    :param answer: takes a `Built` or a `Failed`, once; whoever asked for the build waits for it.
    :param job: the child process.
    :param reload_service: whom to tell of the new engine; '' for nobody.
    """

    name: str
    answer: Future
    job: BuildJob
    reload_service: str


@dataclass(frozen=True)
class Built:
    """A build that ended well."""

    outcome: BuildOutcome
    reloaded: str = ''

    def result(self) -> str:
        """Return the sentence for the service's answer."""
        return self.outcome.sentence() + self.reloaded


@dataclass(frozen=True)
class Failed:
    """A build that did not."""

    error: Exception

    def result(self) -> str:
        """Raise what went wrong."""
        raise self.error
