"""Time stamps: when a packet reached the kernel, on the clock that the rest of the run uses.

The kernel stamps in wall-clock time (CLOCK_REALTIME); everything else here is monotonic. Both
clocks are slewed alike, so one offset converts between them until somebody steps the wall clock,
which ``WallClockOffset`` notices.
"""

import socket
import struct
from collections.abc import Sequence
from time import monotonic_ns, sleep, time_ns

SO_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)  # 35: Linux, asm-generic/socket.h
ANCILLARY_BYTES = socket.CMSG_SPACE(16) if hasattr(socket, "CMSG_SPACE") else 0
CLOCK_STEP_NS = 1_000_000
TRIAL_PACKETS = 50
TRIAL_PAUSE_S = 0.004
_TIMESPEC = struct.Struct("=qq")

Ancillary = Sequence[tuple[int, int, bytes]]


def ask_for_kernel_stamps(sock: socket.socket) -> bool:
    """Ask the kernel to stamp what ``sock`` receives; False where it will not."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def kernel_stamp_ns(ancillary: Ancillary) -> int | None:
    """Wall-clock nanoseconds at which the newest byte of a read reached the kernel."""
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(payload) >= 16:
            seconds, nanoseconds = _TIMESPEC.unpack_from(payload)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return None


def measure_wall_offset_ns(tries: int = 9) -> int:
    """Wall clock minus monotonic clock, from the tightest of several bracketed readings."""
    best_width, best_offset = 1 << 62, 0
    for _ in range(tries):
        before = monotonic_ns()
        wall = time_ns()
        after = monotonic_ns()
        if after - before < best_width:
            best_width, best_offset = after - before, wall - (before + after) // 2
    return best_offset


class KernelStamps:
    """Finds out whether the kernel stamps packets, and keeps it doing so until closed.

    Linux switches stamping on for the whole machine when the first socket asks, and does so a
    moment later, in the background. One socket therefore keeps asking for as long as this lives,
    and the first packets of the trial may come without a stamp. Some sandboxes never give any.
    """

    def __init__(self) -> None:
        self._anchor = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.are_available = ask_for_kernel_stamps(self._anchor) and self._trial()

    def close(self) -> None:
        """Let the kernel stop stamping."""
        self._anchor.close()

    @staticmethod
    def _trial() -> bool:
        if not hasattr(socket.socket, "recvmsg"):
            return False
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
            ask_for_kernel_stamps(client)
            client.settimeout(1.0)
            client.connect(server.getsockname())
            accepted, _ = server.accept()
            with accepted:
                for _ in range(TRIAL_PACKETS):
                    accepted.sendall(b"x")
                    _, ancillary, _, _ = client.recvmsg(16, ANCILLARY_BYTES)
                    if kernel_stamp_ns(ancillary) is not None:
                        return True
                    sleep(TRIAL_PAUSE_S)
        return False


class WallClockOffset:
    """Converts kernel stamps to the monotonic clock and notices a stepped wall clock."""

    __slots__ = ("offset_ns", "step_ns")

    def __init__(self) -> None:
        self.offset_ns = measure_wall_offset_ns()
        self.step_ns = 0

    def check(self) -> None:
        """Measure again; a move beyond a millisecond is kept as a step and becomes the offset."""
        measured = measure_wall_offset_ns()
        moved = measured - self.offset_ns
        if abs(moved) > CLOCK_STEP_NS:
            self.step_ns += abs(moved)
            self.offset_ns = measured
