"""Landlock and seccomp by plain system calls; part of the child, so it imports only ctypes.

Sources: linux/landlock.h, linux/seccomp.h, linux/filter.h; numbers from the kernel's tables for
x86-64 and arm64.
"""

import ctypes
import os
import platform
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
ACCESS_EXECUTE, ACCESS_WRITE_FILE, ACCESS_READ_FILE, ACCESS_READ_DIR = 1, 2, 4, 8
# rights known to each ABI version; later ABIs add rights that older kernels refuse
ACCESS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
ACCESS_READ = ACCESS_EXECUTE | ACCESS_READ_FILE | ACCESS_READ_DIR
ACCESS_FILE_ONLY = ACCESS_EXECUTE | ACCESS_WRITE_FILE | ACCESS_READ_FILE

EPERM, ENOSYS = 1, 38
CLONE_NEW = 0x7E020080  # every CLONE_NEW… flag
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
DENIED = {
    "x86_64": {
        "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "bind": 49, "listen": 50,
        "socketpair": 53, "ptrace": 101, "syslog": 103, "pivot_root": 155, "chroot": 161,
        "acct": 163, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169,
        "sethostname": 170, "init_module": 175, "delete_module": 176, "add_key": 248,
        "request_key": 249, "keyctl": 250, "unshare": 272, "perf_event_open": 298,
        "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310,
        "process_vm_writev": 311, "finit_module": 313, "kexec_file_load": 320, "bpf": 321,
        "userfaultfd": 323, "kexec_load": 246, "io_uring_setup": 425, "open_tree": 428,
        "move_mount": 429, "fsopen": 430, "fsmount": 432, "pidfd_open": 434,
        "pidfd_getfd": 438, "pidfd_send_signal": 424,
    },
    "aarch64": {
        "socket": 198, "socketpair": 199, "bind": 200, "listen": 201, "accept": 202,
        "connect": 203, "sendto": 206, "ptrace": 117, "syslog": 116, "pivot_root": 41,
        "chroot": 51, "acct": 89, "mount": 40, "umount2": 39, "swapon": 224, "swapoff": 225,
        "reboot": 142, "sethostname": 161, "init_module": 105, "delete_module": 106,
        "add_key": 217, "request_key": 218, "keyctl": 219, "unshare": 97,
        "perf_event_open": 241, "open_by_handle_at": 265, "setns": 268,
        "process_vm_readv": 270, "process_vm_writev": 271, "finit_module": 273,
        "kexec_file_load": 294, "bpf": 280, "userfaultfd": 282, "kexec_load": 104,
        "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430,
        "fsmount": 432, "pidfd_open": 434, "pidfd_getfd": 438, "pidfd_send_signal": 424,
    },
}  # fmt: skip
# without a process namespace a program must neither signal others nor leave its group
DENIED_WITHOUT_NAMESPACE = {
    "x86_64": {"kill": 62, "tkill": 200, "setpgid": 109, "setsid": 112},
    "aarch64": {"kill": 129, "tkill": 130, "setpgid": 154, "setsid": 157},
}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
X32_BIT = 0x40000000

BPF_LOAD, BPF_JUMP_EQUAL, BPF_JUMP_GREATER_EQUAL, BPF_JUMP_SET, BPF_RETURN = (
    0x20,
    0x15,
    0x35,
    0x45,
    0x06,
)
ALLOW, KILL_PROCESS, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def machine() -> str:
    return platform.machine()


def landlock_abi() -> int:
    """The kernel's Landlock version; 0 where it has none."""
    found: int = LIBC.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    return max(found, 0)


def seccomp_is_known() -> bool:
    return machine() in AUDIT_ARCH


def forbid_new_privileges() -> None:
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")


def forbid_inspection() -> None:
    """Let no process without privileges trace this one or open its memory and descriptors."""
    if LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the process could not be closed to others")


def restrict_files(readable: list[str], writable: list[str]) -> None:
    """Let the process read below ``readable`` and do anything below ``writable``, nothing else."""
    abi = landlock_abi()
    handled = ACCESS_BY_ABI[min(abi, max(ACCESS_BY_ABI))]
    attributes = struct.pack("QQ", handled, 0)[: 16 if abi >= 4 else 8]
    ruleset = LIBC.syscall(LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock refused a ruleset")
    for paths, access in ((readable, ACCESS_READ & handled), (writable, handled)):
        for path in paths:
            _allow(ruleset, path, access)
    if LIBC.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0):
        raise OSError(ctypes.get_errno(), "landlock refused to restrict")
    os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    if not os.path.exists(path):
        return
    if not os.path.isdir(path):
        access &= ACCESS_FILE_ONLY
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("=Qi", access, descriptor)
    failed = LIBC.syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0)
    os.close(descriptor)
    if failed:
        raise OSError(ctypes.get_errno(), f"landlock refused a rule for {path}")


def restrict_system_calls(*, has_process_namespace: bool) -> None:
    """Refuse the calls that reach other processes, the network, or the kernel's own controls."""
    name = machine()
    denied = dict(DENIED[name])
    if not has_process_namespace:
        denied.update(DENIED_WITHOUT_NAMESPACE[name])
    program = _program(AUDIT_ARCH[name], sorted(denied.values()), CLONE[name])
    buffer = ctypes.create_string_buffer(program, len(program))
    holder = _Filter(len(program) // 8, ctypes.addressof(buffer))
    if LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(holder), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp refused the filter")


def _program(arch: int, denied: list[int], clone: int) -> bytes:
    """The filter in classic BPF: jumps count instructions to skip when true and when false."""

    def step(code: int, jump_true: int, jump_false: int, value: int) -> bytes:
        return struct.pack("HBBI", code, jump_true, jump_false, value)

    made = [
        step(BPF_LOAD, 0, 0, 4),  # the architecture
        step(BPF_JUMP_EQUAL, 1, 0, arch),
        step(BPF_RETURN, 0, 0, KILL_PROCESS),
        step(BPF_LOAD, 0, 0, 0),  # the call's number
        step(BPF_JUMP_GREATER_EQUAL, 0, 1, X32_BIT),
        step(BPF_RETURN, 0, 0, KILL_PROCESS),
        # clone3 hides its flags in memory; libc falls back to clone when it is missing
        step(BPF_JUMP_EQUAL, 0, 1, CLONE3),
        step(BPF_RETURN, 0, 0, ERRNO | ENOSYS),
    ]
    for number in denied:
        made.append(step(BPF_JUMP_EQUAL, 0, 1, number))
        made.append(step(BPF_RETURN, 0, 0, ERRNO | EPERM))
    made += [
        step(BPF_JUMP_EQUAL, 0, 3, clone),
        step(BPF_LOAD, 0, 0, 16),  # the lower half of the first argument: the flags
        step(BPF_JUMP_SET, 0, 1, CLONE_NEW),
        step(BPF_RETURN, 0, 0, ERRNO | EPERM),
        step(BPF_RETURN, 0, 0, ALLOW),
    ]
    return b"".join(made)
