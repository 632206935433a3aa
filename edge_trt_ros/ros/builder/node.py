# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The node that builds engines from ONNX files when its services are called.

It builds only the models that its parameters name, one at a time, in a child process. Other
calls are answered during a build.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger

from edge_trt_ros.convert.build_job import BuildJob, BuildOutcome
from edge_trt_ros.convert.build_queue import BuildQueue, Ending, Job
from edge_trt_ros.errors import BuildCanceledError, ConfigurationError, EdgeTrtError
from edge_trt_ros.ros.builder.freshness import ModelFreshness
from edge_trt_ros.ros.builder.parameters import BuilderParameters, ModelParameters
from edge_trt_ros.ros.builder.reload_call import ReloadCall
from edge_trt_ros.ros.node.allowed_folders import check_folders
from edge_trt_ros.ros.node.answers import answer_service, explain
from edge_trt_ros.ros.node.parameters import (accept_empty_lists, DeclaredParameters,
                                              unknown_parameters)
from edge_trt_ros.ros.node.status_messages import (diagnostics_message, ERROR, OK, status_message,
                                                   WARN)
from edge_trt_ros.ros.node.steady import create_steady_timer

POLL_PERIOD_S = 0.1


class EngineBuilderNode(Node):
    """Offers `~/<model>/build`, `~/<model>/cancel`, `~/build_all`; state on /diagnostics."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('engine_builder', **node_arguments)
        self._problem = ''
        self._builder = DeclaredParameters(self, BuilderParameters)
        self._models: dict[str, ModelParameters] = {}
        self._freshness: dict[str, ModelFreshness] = {}
        self._queue = BuildQueue(self._begin, self._ended, self._entered)
        # Callers of a build await these: the result is a sentence or an exception.
        self._answers: dict[str, Future] = {}
        self._reloads: list[tuple[ReloadCall, Future, str]] = []
        # Reentrant: a service that awaits its build must not block the other callbacks.
        self._services_group = ReentrantCallbackGroup()
        self._declare()
        accept_empty_lists(self)
        self.add_on_set_parameters_callback(self._check_parameters)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._serve('~/build_all', self._on_build_all)
        self._poll_timer = create_steady_timer(self, POLL_PERIOD_S, self._turn)
        self._poll_timer.cancel()
        create_steady_timer(self, 1.0, self._report)
        self.get_logger().info(f"models to build: {', '.join(self._models) or 'none'}")

    def release(self) -> None:
        """Kill a running build; the installed engine stays."""
        self._queue.close()

    def _declare(self) -> None:
        known = self._builder.names
        try:
            for name in self._builder.read().models:
                self._models[name] = ModelParameters(self, name)
                self._freshness[name] = ModelFreshness()
                self._serve(f'~/{name}/build', partial(self._on_build, name))
                self._serve(f'~/{name}/cancel', partial(self._on_cancel, name))
                known |= self._models[name].names
            unknown = unknown_parameters(self, known)
            if unknown:
                raise ConfigurationError(f"{'; '.join(unknown)}: correct the launch or YAML file "
                                         'and start the node again')
        except ConfigurationError as error:
            self._problem = str(error)
            self.get_logger().error(self._problem)

    def _serve(self, name: str, answer: Callable[..., Any]) -> None:
        self.create_service(Trigger, name, answer, callback_group=self._services_group)

    def _check_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        result = self._builder.check_change(changes)
        for model in self._models.values():
            if result.successful:
                result = model.check_change(changes)
        return result

    async def _on_build(self, name: str, request: Trigger.Request,
                        response: Trigger.Response) -> Trigger.Response:
        ending = await self._request(name)
        return self._answer(response, name, ending)

    async def _on_build_all(self, request: Trigger.Request,
                            response: Trigger.Response) -> Trigger.Response:
        requests = {name: self._request(name) for name in self._models}
        answers, response.success = [], True
        for name, future in requests.items():
            answer = self._answer(Trigger.Response(), name, await future)
            answers.append(f'{name}: {answer.message}')
            response.success = response.success and answer.success
        response.message = '; '.join(answers) or 'there are no models to build'
        return response

    def _on_cancel(self, name: str, request: Trigger.Request,
                   response: Trigger.Response) -> Trigger.Response:
        return answer_service(response, lambda: self._queue.cancel(name), self.get_logger(),
                              f'canceling {name} failed')

    def _request(self, name: str) -> Future:
        self._queue.request(name)
        if name not in self._answers:
            self._answers[name] = Future(executor=self.executor)
        self._poll_timer.reset()
        return self._answers[name]

    def _answer(self, response: Trigger.Response, name: str, ending: str | Exception
                ) -> Trigger.Response:
        def sentence() -> str:
            if isinstance(ending, Exception):
                raise ending
            return ending
        return answer_service(response, sentence, self.get_logger(), f'{name} was not built')

    def _checked(self, name: str) -> ModelParameters:
        model = self._models[name]
        engine_path = model.files().paths()[1].resolve()
        check_folders(self._builder.read().allowed_folders, model.paths())
        for rival in sorted(self._models.keys() - {name}):
            if self._engine_path(rival) == engine_path:
                raise ConfigurationError(f'{name} and {rival} both write {engine_path}: give each '
                                         'model its own engine_file_path',
                                         code='engine_path_shared')
        return model

    def _engine_path(self, name: str) -> Path | None:
        try:
            return self._models[name].files().paths()[1].resolve()
        except ConfigurationError:
            return None  # with these parameters it cannot be built

    def _turn(self) -> None:
        open_calls = []
        for call, answer, sentence in self._reloads:
            clause = call.poll()
            if clause is None:
                open_calls.append((call, answer, sentence))
            else:
                self.get_logger().info(clause)
                answer.set_result(f'{sentence}; {clause}')
        self._reloads = open_calls
        self._queue.turn()
        if self._queue.is_idle and not self._reloads:
            self._poll_timer.cancel()

    def _begin(self, name: str) -> Job:
        model = self._checked(name)
        files = model.files()
        onnx_path, engine_path = files.paths()
        job = BuildJob(onnx_path, engine_path, model.options(), files.force_engine_update,
                       files.memory_limit_mb, files.destination())
        self.get_logger().info(f'building {name}: {onnx_path} -> {engine_path}')
        return job

    def _entered(self, name: str, job: Job) -> None:
        self.get_logger().info(f'{name}: {job.phase}, {100 * job.fraction:.0f} %')

    def _ended(self, name: str, ending: Ending) -> None:
        answer = self._answers.pop(name)
        if isinstance(ending, Exception):
            answer.set_result(ending)
            return
        self.get_logger().info(f'{name}: {ending.sentence()}')
        if ending.warning:
            self.get_logger().warning(f'{name}: {ending.warning}')
        service = self._reload_service(name, ending)
        if service:
            self._reloads.append((ReloadCall(self, service), answer, ending.sentence()))
        else:
            answer.set_result(ending.sentence())

    def _reload_service(self, name: str, outcome: BuildOutcome) -> str:
        """Return the service that reloads a new engine; '' if the engine was fresh already."""
        try:
            return self._models[name].files().reload_service if outcome.reason else ''
        except ConfigurationError:
            return ''  # a parameter was set to an invalid value during the build

    def _report(self) -> None:
        prefix = self.get_fully_qualified_name().lstrip('/')
        statuses = [self._status(name, f'{prefix}: {name}') for name in self._models]
        if self._problem:
            statuses.append(status_message(ERROR, f'{prefix}: parameters', self._problem))
        self._diagnostics.publish(diagnostics_message(self.get_clock().now().to_msg(), statuses))

    def _status(self, name: str, title: str) -> DiagnosticStatus:
        now = self._queue.state(name)
        if now.state == 'building':
            return status_message(OK, title, f'building: {now.phase}', values={
                'state': 'building', 'phase': now.phase,
                'percent': round(100 * now.fraction), 'seconds': now.seconds})
        if now.state == 'queued':
            return status_message(OK, title, 'queued', values={'state': 'queued'})
        is_canceled = isinstance(now.error, BuildCanceledError)
        if now.error is not None and not is_canceled:
            sentence = explain(now.error, 'the last build failed').splitlines()[0]
            return status_message(ERROR, title, sentence, values={'state': 'failed'})
        try:
            stale = self._freshness[name].why_stale(self._checked(name))
        except (EdgeTrtError, OSError) as error:
            return status_message(ERROR, title, str(error), values={'state': 'failed'})
        state, doubt = 'stale' if stale else 'fresh', stale or self._freshness[name].warning
        text = (f'{state}: {doubt}' if doubt else state) + (
            '; the last build was canceled' if is_canceled else '')
        return status_message(WARN if doubt else OK, title, text, values={'state': state})
