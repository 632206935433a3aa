# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The lifecycle node that runs an engine on camera images, texts or tensors.

configure opens and warms up the engine, activate subscribes, deactivate unsubscribes, cleanup
closes the engine. A transition that fails releases everything that it acquired.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.inference.autostart import Autostart
from edge_trt_ros.ros.inference.camera import Camera
from edge_trt_ros.ros.inference.camera_parameters import (AllParameters,
                                                          DeclaredInferenceParameters)
from edge_trt_ros.ros.inference.opener import EngineOpener
from edge_trt_ros.ros.inference.reports import Reports
from edge_trt_ros.ros.inference.settings import open_settings, StreamSettings
from edge_trt_ros.ros.inference.stream import InferenceStream
from edge_trt_ros.ros.node.answers import answer_service, explain, guarded
from edge_trt_ros.ros.node.managed_node import ManagedNode
from edge_trt_ros.ros.node.parameters import accept_empty_lists, unknown_parameters
from edge_trt_ros.ros.node.steady import create_steady_timer
from edge_trt_ros.runtime.kserve.options import KSERVE

SUCCESS = TransitionCallbackReturn.SUCCESS


class InferenceNode(ManagedNode):
    """Publishes an engine's results; see `inference_node` in the README for its interfaces."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('inference', **node_arguments)
        self._stream: InferenceStream | None = None
        self._held = ExitStack()
        self._subscribed = ExitStack()
        self._enabled = True
        self._active = False
        self._configure_problem = ''
        self._opener = EngineOpener(self)
        self._declared = DeclaredInferenceParameters(self)
        accept_empty_lists(self)
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._tune)
        self._reports = Reports(self)
        create_steady_timer(self, 1.0, lambda: self._reports.report(
            self._stream, self._active, self._enabled, self._configure_problem))
        self.create_service(SetBool, '~/enable', self._on_enable)
        self.create_service(Trigger, '~/reset_tracks', lambda request, response: answer_service(
            response, self._reset_tracks, self.get_logger(), 'reset failed'))
        self.create_service(Trigger, '~/reset_state', lambda request, response: answer_service(
            response, self._reset_state, self.get_logger(), 'reset failed'))
        # Reentrant: opening an engine during a reload must not block images.
        self.create_service(Trigger, '~/reload', self._on_reload,
                            callback_group=ReentrantCallbackGroup())
        self._autostart = Autostart(
            self, lambda: self.get_parameter('autostart').value is True,
            lambda: str(self.get_parameter('engine_file_path').value),
            lambda: self.get_parameter('backend').value == KSERVE)

    @guarded
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open and warm up the engine. FAILURE releases everything; configure can be retried."""
        try:
            parameters = self._read_parameters()
            with ExitStack() as stack, ExitStack() as until_owned:
                settings = open_settings(parameters.node, parameters.cameras)
                until_owned.callback(settings.runtime.close)
                manifest = settings.runtime.manifest
                self._stream = InferenceStream(self, settings, self._reports.report_end)
                stack.callback(self._stream.close)
                stack.enter_context(self._reports.served(parameters.node))
                until_owned.pop_all()
                self._choose_cameras(parameters.node.cameras)
                self._held = stack.pop_all()
        except Exception as error:
            self._stream = None
            self._configure_problem = explain(error, 'configure failed')
            raise
        self._configure_problem = ''
        self.get_logger().info(
            f'{parameters.node.engine_file_path or parameters.node.server_model} runs on '
            f'{manifest.backend} '
            f'{settings.runtime.device_name} ({settings.opened.reason}): {manifest.task}, '
            f"{len(manifest.labels)} classes, {'; '.join(map(str, manifest.inputs))}")
        return SUCCESS

    @guarded
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the inputs."""
        super().on_activate(state)
        self._active = True
        self._publish_labels()
        if self._enabled:
            self._subscribe()
        return SUCCESS

    @guarded
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe; the engine stays open."""
        self._active = False
        self._subscribed.close()
        return super().on_deactivate(state)

    @guarded
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close the engine."""
        self.release()
        return SUCCESS

    @guarded
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, in any state."""
        self.release()
        return SUCCESS

    @guarded
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything after a bug; the node returns to unconfigured."""
        self.release()
        return SUCCESS

    def release(self) -> None:
        """Release everything in reverse order; may be called twice."""
        self._active = False
        self._subscribed.close()
        self._held.close()
        self._stream = None

    def _read_parameters(self) -> AllParameters:
        parameters = self._declared.read()
        unknown = unknown_parameters(self, self._declared.names)
        if unknown:
            raise ConfigurationError(f"{'; '.join(unknown)}: correct the launch or YAML file")
        if not parameters.node.engine_file_path and parameters.node.backend != KSERVE:
            raise ConfigurationError('engine_file_path is empty: set it to the engine to run')
        return parameters

    def _choose_cameras(self, names: tuple[str, ...]) -> None:
        stream = self._stream
        if stream is None:
            return
        wanted = names or ('',)
        for name in sorted(stream.cameras.keys() - set(wanted)):
            stream.remove(name)
        for name in wanted:
            if name not in stream.cameras:
                camera = Camera(self, name, stream.settings)
                stream.add(camera)
                if self._active:
                    camera.activate()
                    camera.publish_labels(stream.settings)
                    if self._enabled:
                        camera.subscribe(stream.settings, stream.offer)

    def _subscribe(self) -> None:
        stream = self._stream
        if stream is None:
            return
        stream.start()
        self._subscribed.callback(stream.stop)
        self._subscribed.callback(stream.unsubscribe)
        for camera in stream.cameras.values():
            camera.subscribe(stream.settings, stream.offer)

    def _publish_labels(self) -> None:
        if self._stream:
            for camera in self._stream.cameras.values():
                camera.publish_labels(self._stream.settings)

    def _check_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        result = self._declared.check_change(changes, locked=(
            'at configure: clean up the node, set the parameter, and configure again'
            if self._stream else ''))
        if result.successful and self._stream:
            try:
                changed = self._declared.changed(changes)
                self._stream.settings.tuned(changed.node, changed.cameras)
            except ConfigurationError as error:
                return SetParametersResult(successful=False, reason=str(error))
        return result

    def _tune(self, changes: list[Parameter]) -> None:
        self._autostart.try_again()
        if self._stream:
            parameters = self._declared.read()
            self._stream.tune(parameters.node, parameters.cameras)
            self._choose_cameras(parameters.node.cameras)

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response
                   ) -> SetBool.Response:
        def switch() -> str:
            self._enabled = bool(request.data)
            self._subscribed.close()
            if self._active and self._enabled:
                self._subscribe()
            return 'enabled' if self._enabled else 'disabled'
        return answer_service(response, switch, self.get_logger(), 'enable failed')

    def _reset_tracks(self) -> str:
        cameras = self._stream.cameras.values() if self._stream else ()
        tracks = [camera.tracks for camera in cameras if camera.tracks]
        if not tracks:
            raise ConfigurationError('tracking is off: set track to true and configure again')
        for track_ids in tracks:
            track_ids.reset()
        return 'all tracks are deleted, IDs restart at 1'

    def _reset_state(self) -> str:
        if self._stream is None:
            raise ConfigurationError('there is no engine: configure the node first')
        return self._stream.reset_state()

    async def _on_reload(self, request: Trigger.Request, response: Trigger.Response
                         ) -> Trigger.Response:
        if self._stream is None:
            response.message = 'there is no engine to replace: configure the node first'
            return response
        opening = await self._opener.opened(self._read_parameters)
        return answer_service(response, lambda: self._swap(opening.result()), self.get_logger(),
                              'reload failed, the old engine stays in use')

    def _swap(self, settings: StreamSettings) -> str:
        try:
            stream = self._stream
            if stream is None:
                raise ConfigurationError('the node was cleaned up during the reload')
            old = stream.swap(settings)
        except Exception:
            settings.runtime.close()
            raise
        self._opener.close(lambda: stream.retire(old))
        self._publish_labels()
        manifest = settings.runtime.manifest
        return f'engine {manifest.engine_sha256[:12]} built at {manifest.built_at} is in use'
