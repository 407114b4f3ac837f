"""Who is left out when there is more than the machine can look at: by rule, said aloud, taken back in time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pipeline.camera import Camera

LATE_SHARE = 0.2
"""A camera of which more than this comes too late is not judged well any more: six looks a second instead of eight."""
LAG_S = 3.0
"""The newest picture looked at is older than this although the camera sends: decoding cannot follow."""
OVER_S = 5.0
GRACE_S = 20.0
"""After the start the network is still being made ready and every camera catches up: nobody is left out for that."""
HOLD_S = 30.0
LONGEST_HOLD_S = 600.0


class Shedding:
    """Looks at all cameras once a second."""

    def __init__(self, *, grace_s: float = GRACE_S) -> None:
        self._since = time.monotonic() + grace_s
        self._hold_s = HOLD_S
        self._restored: Camera | None = None
        self.sheds = 0

    def check(self, cameras: Sequence[Camera], now: float) -> None:
        """Leaves out the camera of lowest priority under overload, takes the highest back after a calm while."""
        if now - self._since < OVER_S:
            return
        watched = [c for c in cameras if not c.is_shed and c.state == "live"]
        if any(is_overloaded(c) for c in watched):
            if len(watched) > 1:
                self._leave_out(min(watched, key=lambda c: c.source.priority), now)
            return
        if now - self._since < self._hold_s:
            return
        shed = [c for c in cameras if c.is_shed]
        if shed and not any(c.account.late_share(self._hold_s) > 0 for c in watched):
            self._restored = max(shed, key=lambda c: c.source.priority)
            self._restored.shed(is_shed=False)
            self._since = now

    def _leave_out(self, camera: Camera, now: float) -> None:
        self._hold_s = min(2 * self._hold_s, LONGEST_HOLD_S) if self._restored is not None else HOLD_S
        self._restored = None
        camera.shed(is_shed=True)
        self.sheds += 1
        self._since = now


def is_overloaded(camera: Camera) -> bool:
    """Tells whether too many of a camera's pictures come too late; a failing network is no overload."""
    if camera.account.has_failed(2 * OVER_S):
        return False
    lag_s = camera.watch.age_s() if camera.watch is not None else 0.0
    is_sending = time.monotonic() - camera.live.last_packet_ns / 1e9 < 1.0
    return camera.account.late_share(OVER_S) > LATE_SHARE or (is_sending and lag_s > LAG_S)
