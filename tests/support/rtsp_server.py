"""An RTSP camera for tests, run by the system's Python with Debian's gst-rtsp-server; misbehaves on command.

    /usr/bin/python3 rtsp_server.py [WIDTHxHEIGHT [FPS]]

Prints its port, then reads commands from standard input, one a line: ``stall`` and ``resume`` (no pictures, the
connection stays), ``drop`` (throws every client out), ``size WxH`` (another resolution in mid-stream), ``lose SHARE``
(that share of the RTP packets never leaves), ``quit``. ``/live`` misbehaves; ``/main`` (1280x720) and ``/sub``
(320x180) are two streams of one camera: its picture turns from black to white or back in both at once, every second.
"""

import random
import sys
import threading
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

LAUNCH = (
    "( videotestsrc is-live=true pattern=ball name=source ! capsfilter name=form caps={caps} ! "
    "x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max={gop} ! "
    "rtph264pay name=pay0 pt=96 config-interval=-1 )"
)

PAIR = {"/main": "1280x720", "/sub": "320x180"}
PAIR_LAUNCH = LAUNCH.replace("pattern=ball", "pattern=solid-color foreground-color=0xff000000")
BLACK, WHITE = 0xFF000000, 0xFFFFFFFF


def caps(size: str, fps: int) -> str:
    width, height = size.split("x")
    return f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1"


class Camera:
    def __init__(self, size: str, fps: int) -> None:
        self.fps, self.is_stalled, self.loss = fps, False, 0.0
        self.form: Any = None
        self.pay: Any = None
        self.server = GstRtspServer.RTSPServer.new()
        self.server.set_address("127.0.0.1")
        self.server.set_service("0")
        factory = GstRtspServer.RTSPMediaFactory.new()
        self.factory = factory
        self.resize(size)
        factory.set_shared(True)
        factory.connect("media-configure", self.configured)
        self.server.get_mount_points().add_factory("/live", factory)
        self.lights: list[Any] = []
        self.is_white = False
        for mount, pair_size in PAIR.items():
            self.add_light(mount, pair_size)
        GLib.timeout_add(1000, self.switch)
        self.server.attach(None)

    def resize(self, size: str) -> None:
        self.factory.set_launch(LAUNCH.format(caps=caps(size, self.fps), gop=self.fps))
        if self.form:
            self.form.set_property("caps", Gst.Caps.from_string(caps(size, self.fps)))

    def configured(self, _factory: Any, media: Any) -> None:
        bin_ = media.get_element()
        self.form, self.pay = bin_.get_by_name("form"), bin_.get_by_name("pay0")
        self.pay.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, self.passing)

    def add_light(self, mount: str, size: str) -> None:
        factory = GstRtspServer.RTSPMediaFactory.new()
        factory.set_launch(PAIR_LAUNCH.format(caps=caps(size, self.fps), gop=self.fps))
        factory.set_shared(True)
        factory.connect(
            "media-configure", lambda _f, media: self.lights.append(media.get_element().get_by_name("source"))
        )
        self.server.get_mount_points().add_factory(mount, factory)

    def switch(self) -> bool:
        self.is_white = not self.is_white
        for source in self.lights:
            source.set_property("foreground-color", WHITE if self.is_white else BLACK)
        return True

    def passing(self, _pad: Any, _info: Any) -> Any:
        is_lost = self.is_stalled or random.random() < self.loss
        return Gst.PadProbeReturn.DROP if is_lost else Gst.PadProbeReturn.OK

    def obey(self, line: str) -> bool:
        name, _, value = line.strip().partition(" ")
        if name in ("stall", "resume"):
            self.is_stalled = name == "stall"
        elif name == "drop":  # every client of every mount
            self.server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
        elif name == "size":
            self.resize(value)
        elif name == "lose":
            self.loss = float(value)
        return False


def listen(camera: Camera, loop: Any) -> None:
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        GLib.idle_add(camera.obey, line)
    GLib.idle_add(loop.quit)


if __name__ == "__main__":
    Gst.init(None)
    arguments = sys.argv[1:]
    camera = Camera(arguments[0] if arguments else "640x360", int(arguments[1]) if len(arguments) > 1 else 25)
    print(camera.server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()
    threading.Thread(target=listen, args=(camera, loop), daemon=True).start()
    loop.run()
