"""Entering the isolation level from inside: own mounts, no capabilities, no forbidden calls."""

import ctypes
import os
from typing import Any

from benchmarks.sandbox.system_calls import (
    LIBC,
    forbid_new_privileges,
    restrict_files,
    restrict_system_calls,
)

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
# flags of an inherited mount are locked in a user namespace and must be given again
KEPT_FLAGS = {1: 1, 2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
DEVICES = ("null", "zero", "full", "random", "urandom")
PR_CAPBSET_DROP = 24
CAPABILITY_VERSION_3 = 0x20080522
LEVEL_SYSTEM_CALLS, LEVEL_NAMESPACES = 1, 2


def enter(job: dict[str, Any]) -> None:
    """Change to the working folder, below a root of our own at the namespaces level, as nobody."""
    if job["level"] == LEVEL_NAMESPACES:
        _make_root(job["root"], job["readable"], job["disk_bytes"])
        os.chroot(job["root"])
    os.chdir(job["work"])
    if job["level"] >= LEVEL_SYSTEM_CALLS or job["owner"]:
        _drop_privileges(job["owner"])


def restrict(job: dict[str, Any]) -> None:
    """The last step: from here on nothing can be undone."""
    if job["level"] < LEVEL_SYSTEM_CALLS:
        return
    forbid_new_privileges()
    if job["level"] == LEVEL_SYSTEM_CALLS:
        readable = [*job["readable"], "/dev/urandom", "/dev/random", "/dev/zero"]
        restrict_files(readable, [job["work"], "/dev/null"])
    restrict_system_calls(has_process_namespace=job["level"] >= LEVEL_NAMESPACES)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    texts = [text.encode() for text in (source, target, kind)]
    if LIBC.mount(*texts, ctypes.c_ulong(flags), options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, f"mounting {target}: {os.strerror(number)}")


def _make_root(root: str, readable: list[str], disk_bytes: int) -> None:
    """A file system of our own: system folders to read, small ``/work`` and ``/tmp`` to write."""
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, f"size={disk_bytes},mode=755")
    for path in readable:
        _show(path, root + path)
    os.makedirs(root + "/dev")
    for name in DEVICES:
        open(f"{root}/dev/{name}", "w").close()
        _mount(f"/dev/{name}", f"{root}/dev/{name}", "", MS_BIND)
    os.makedirs(root + "/proc")
    _mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for name in ("work", "tmp"):
        os.makedirs(f"{root}/{name}")
        os.chmod(f"{root}/{name}", 0o1777)


def _show(path: str, target: str) -> None:
    """Bind ``path`` read-only; a link stays the same link."""
    if os.path.islink(path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(os.readlink(path), target)
        return
    if not os.path.isdir(path) or os.path.isdir(target):
        return
    os.makedirs(target)
    _mount(path, target, "", MS_BIND | MS_REC)
    found = os.statvfs(path).f_flag
    kept = sum(flag for bit, flag in KEPT_FLAGS.items() if found & bit)
    _mount("none", target, "", kept | MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID)


def _drop_privileges(owner: int | None) -> None:
    """Become ``owner`` when started by root; without it give up the namespace's capabilities."""
    if os.path.exists("/proc/sys/kernel/cap_last_cap"):
        with open("/proc/sys/kernel/cap_last_cap") as file:
            last = int(file.read())
        for number in range(last + 1):
            LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    if owner is not None:
        os.setgroups([])
        os.setgid(owner)
        os.setuid(owner)
        return
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if LIBC.capset(ctypes.byref(header), ctypes.byref(nothing)):
        raise OSError(ctypes.get_errno(), "capabilities could not be dropped")
