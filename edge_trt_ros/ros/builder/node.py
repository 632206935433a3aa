"""
The node that turns ONNX files into engines, as services.

It builds only what its own parameters name, one at a time, in a child process, and answers
every other call meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
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

from edge_trt_ros.convert.build_job import BuildJob
from edge_trt_ros.errors import BuildCanceledError, ConfigurationError, EdgeTrtError
from edge_trt_ros.ros.builder.freshness import ModelFreshness
from edge_trt_ros.ros.builder.parameters import BuilderParameters, ModelParameters
from edge_trt_ros.ros.builder.reload_call import ReloadCall
from edge_trt_ros.ros.builder.states import Build, Built, Failed
from edge_trt_ros.ros.inference.health import diagnostics_message, ERROR, OK, status_message, WARN
from edge_trt_ros.ros.node.answers import answer_service, explain
from edge_trt_ros.ros.node.parameters import DeclaredParameters, unknown_parameters

POLL_PERIOD_S = 0.1


class EngineBuilderNode(Node):
    """Services `~/<model>/build`, `~/<model>/cancel`, `~/build_all`; state on /diagnostics."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('engine_builder', **node_arguments)
        self._problem = ''
        self._builder = DeclaredParameters(self, BuilderParameters)
        self._models: dict[str, DeclaredParameters[ModelParameters]] = {}
        self._freshness: dict[str, ModelFreshness] = {}
        self._failures: dict[str, str] = {}
        self._waiting: deque[tuple[str, Future]] = deque()
        self._build: Build | None = None
        self._reloads: list[tuple[ReloadCall, Future, Built]] = []
        # A service that waits for its build must not keep the rest of the node waiting.
        self._services_group = ReentrantCallbackGroup()
        self._declare()
        self.add_on_set_parameters_callback(self._check_parameters)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._serve('~/build_all', self._on_build_all)
        self._poll_timer = self.create_timer(POLL_PERIOD_S, self._turn)
        self._poll_timer.cancel()
        self.create_timer(1.0, self._report)
        self.get_logger().info(f"builds on request: {', '.join(self._models) or 'nothing'}")

    def release(self) -> None:
        """Kill a build that is under way; the engine it was to replace stays."""
        if self._build:
            self._build.job.close()
            self._build = None

    def _declare(self) -> None:
        known = self._builder.names
        try:
            for name in self._builder.read().models:
                self._models[name] = DeclaredParameters(self, ModelParameters, f'{name}.')
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
        for change in changes:
            if change.name in self._builder.names:
                return SetParametersResult(
                    successful=False, reason=f'{change.name} is read when the node starts')
        for model in self._models.values():
            result = model.check_change(changes, locked=False)
            if not result.successful:
                return result
        return SetParametersResult(successful=True)

    async def _on_build(self, name: str, request: Trigger.Request,
                        response: Trigger.Response) -> Trigger.Response:
        done = await self._request(name)
        return answer_service(response, done.result, self.get_logger(), f'{name} was not built')

    async def _on_build_all(self, request: Trigger.Request,
                            response: Trigger.Response) -> Trigger.Response:
        requests = {name: self._request(name) for name in self._models}
        answers, response.success = [], True
        for name, future in requests.items():
            done = await future
            one = answer_service(Trigger.Response(), done.result, self.get_logger(),
                                 f'{name} was not built')
            answers.append(f'{name}: {one.message}')
            response.success = response.success and one.success
        response.message = '; '.join(answers) or 'there are no models to build'
        return response

    def _on_cancel(self, name: str, request: Trigger.Request,
                   response: Trigger.Response) -> Trigger.Response:
        def cancel() -> str:
            if self._build and self._build.name == name:
                self._build.job.cancel()
                return 'canceling the build'
            waiting = [future for queued, future in self._waiting if queued == name]
            if not waiting:
                raise ConfigurationError(f'{name} is neither building nor queued')
            self._waiting = deque(one for one in self._waiting if one[0] != name)
            for future in waiting:
                future.set_result(Failed(BuildCanceledError('canceled before it began')))
            return 'taken out of the queue'
        return answer_service(response, cancel, self.get_logger(), f'cancel of {name} failed')

    def _request(self, name: str) -> Future:
        for queued, future in self._waiting:
            if queued == name:
                return future
        if self._build and self._build.name == name:
            return self._build.answer
        future = Future(executor=self.executor)
        self._waiting.append((name, future))
        self._poll_timer.reset()
        return future

    def _checked(self, name: str) -> ModelParameters:
        parameters = self._models[name].read()
        self._builder.read().check_files(parameters)
        engine_path = parameters.paths()[1].resolve()
        for other in sorted(self._models.keys() - {name}):
            if self._engine_path(other) == engine_path:
                raise ConfigurationError(f'{name} and {other} both write {engine_path}: give each '
                                         'model an engine_file_path of its own',
                                         code='engine_path_shared')
        return parameters

    def _engine_path(self, name: str) -> Path | None:
        try:
            return self._models[name].read().paths()[1].resolve()
        except ConfigurationError:
            return None  # it cannot be built as it stands

    def _turn(self) -> None:
        open_calls = []
        for call, answer, done in self._reloads:
            clause = call.poll()
            if clause is None:
                open_calls.append((call, answer, done))
            else:
                self.get_logger().info(clause)
                answer.set_result(replace(done, reloaded=f'; {clause}'))
        self._reloads = open_calls
        if self._build:
            self._watch(self._build)
        elif self._waiting:
            self._begin(*self._waiting.popleft())
        elif not self._reloads:
            self._poll_timer.cancel()

    def _watch(self, build: Build) -> None:
        phase, job = build.job.phase, build.job
        try:
            outcome = job.poll()
        except Exception as error:
            self._build = None
            self._fail(build.name, build.answer, error)
            return
        if job.phase != phase:
            self.get_logger().info(f'{build.name}: {job.phase}, {100 * job.fraction:.0f} %')
        if outcome is not None:
            self._build = None
            self._finish(build, Built(outcome))

    def _begin(self, name: str, answer: Future) -> None:
        try:
            parameters = self._checked(name)
            onnx_path, engine_path = parameters.paths()
            job = BuildJob(onnx_path, engine_path, parameters.recipe(),
                           parameters.force_engine_update, parameters.memory_limit_mb)
        except Exception as error:
            self._fail(name, answer, error)
            return
        self._build = Build(name, answer, job, parameters.reload_service)
        self.get_logger().info(f'building {name}: {onnx_path} -> {engine_path}')

    def _fail(self, name: str, answer: Future, error: Exception) -> None:
        self._failures[name] = explain(error, 'the last build failed').splitlines()[0]
        answer.set_result(Failed(error))

    def _finish(self, build: Build, done: Built) -> None:
        self._failures.pop(build.name, None)
        self.get_logger().info(f'{build.name}: {done.result()}')
        if done.outcome.reason and build.reload_service:
            self._reloads.append((ReloadCall(self, build.reload_service), build.answer, done))
        else:
            build.answer.set_result(done)

    def _report(self) -> None:
        prefix = self.get_fully_qualified_name().lstrip('/')
        statuses = [self._status(name, f'{prefix}: {name}') for name in self._models]
        if self._problem:
            statuses.append(status_message(ERROR, f'{prefix}: parameters', self._problem))
        self._diagnostics.publish(diagnostics_message(self.get_clock().now().to_msg(), statuses))

    def _status(self, name: str, title: str) -> DiagnosticStatus:
        if self._build and self._build.name == name:
            job = self._build.job
            return status_message(OK, title, f'building: {job.phase}', values={
                'state': 'building', 'phase': job.phase,
                'percent': round(100 * job.fraction), 'seconds': job.seconds})
        if any(queued == name for queued, _ in self._waiting):
            return status_message(OK, title, 'queued', values={'state': 'queued'})
        if name in self._failures:
            return status_message(ERROR, title, self._failures[name], values={'state': 'failed'})
        try:
            stale = self._freshness[name].why_stale(self._checked(name))
        except (EdgeTrtError, OSError) as error:
            return status_message(ERROR, title, str(error), values={'state': 'failed'})
        return status_message(WARN if stale else OK, title, f'stale: {stale}' if stale
                              else 'fresh', values={'state': 'stale' if stale else 'fresh'})
