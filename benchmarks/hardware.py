"""Accelerators of this host, asked of the driver's own tool; no torch, so the web may use it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

MIB = 1 << 20
QUERY = (
    "index", "name", "memory.total", "memory.used", "utilization.gpu", "driver_version", "uuid",
)  # fmt: skip
ASK_S = 10.0


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A device, or several that one worker uses together; ``slot`` names it on its host."""

    slot: str
    name: str
    kind: str
    memory_bytes: int
    memory_used_bytes: int = 0
    utilisation: float | None = None
    driver: str = ""
    uuid: str = ""

    @property
    def indices(self) -> list[str]:
        return self.slot.partition(":")[2].split("+") if self.kind == "cuda" else []


def find_accelerators() -> list[Accelerator]:
    """Every GPU that the driver shows, else the processor."""
    found = parse_nvidia(_nvidia_smi())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        allowed = [part.strip() for part in visible.split(",") if part.strip()]
        found = [gpu for gpu in found if any(_is_named(gpu, name) for name in allowed)]
    return found or [processor()]


def _is_named(gpu: Accelerator, name: str) -> bool:
    """CUDA takes an index or the beginning of a device's unique name."""
    return name == gpu.indices[0] or (name.startswith("GPU-") and gpu.uuid.startswith(name))


def _nvidia_smi() -> str:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    command = [tool, f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def parse_nvidia(text: str) -> list[Accelerator]:
    """Devices from the tool's comma-separated lines; figures it does not know are left out."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != len(QUERY):
            continue
        index, name, total, used, busy, driver, uuid = parts
        found.append(
            Accelerator(
                slot=f"cuda:{index}",
                name=name,
                kind="cuda",
                memory_bytes=int(_number(total)) * MIB,
                memory_used_bytes=int(_number(used)) * MIB,
                utilisation=_number(busy) / 100 if busy[:1].isdigit() else None,
                driver=driver,
                uuid=uuid,
            )
        )
    return found


def _number(text: str) -> float:
    return float(text) if text.replace(".", "", 1).isdigit() else 0.0


def processor() -> Accelerator:
    """The processor as a device: its name, memory, and load per core."""
    memory = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        memory[name] = int(rest.split()[0]) * 1024
    total = memory.get("MemTotal", 0)
    cores = os.cpu_count() or 1
    return Accelerator(
        slot="cpu",
        name=_processor_name(),
        kind="cpu",
        memory_bytes=total,
        memory_used_bytes=total - memory.get("MemAvailable", 0),
        utilisation=min(os.getloadavg()[0] / cores, 1.0),
        driver="",
    )


def _processor_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "CPU"


def chosen(found: Sequence[Accelerator], slots: Sequence[str]) -> list[Accelerator]:
    """The devices of ``slots`` (``0``, ``1``, ``2+3`` together); raises LookupError for others."""
    by_index = {gpu.indices[0]: gpu for gpu in found if gpu.kind == "cuda"}
    groups = []
    for slot in slots:
        indices = slot.removeprefix("cuda:").split("+")
        unknown = [index for index in indices if index not in by_index]
        if unknown:
            known = ", ".join(by_index) or "none"
            raise LookupError(f"there is no GPU {unknown[0]!r} here; there are: {known}")
        groups += joined([by_index[index] for index in indices], len(indices))
    return groups


def joined(found: Sequence[Accelerator], per_worker: int) -> list[Accelerator]:
    """Groups of ``per_worker`` GPUs that serve one large model each."""
    if per_worker <= 1 or found[0].kind != "cuda":
        return list(found)
    groups = [found[i : i + per_worker] for i in range(0, len(found), per_worker)]
    return [
        replace(
            group[0],
            slot="cuda:" + "+".join(gpu.indices[0] for gpu in group),
            name=f"{len(group)} × {group[0].name}",
            memory_bytes=sum(gpu.memory_bytes for gpu in group),
            memory_used_bytes=sum(gpu.memory_used_bytes for gpu in group),
        )
        for group in groups
        if len(group) == per_worker
    ]


def current(slot: str) -> Accelerator:
    """The device of ``slot`` as it is now; the processor where the driver does not answer."""
    if slot == "cpu":
        return processor()
    indices = slot.partition(":")[2].split("+")
    by_index = {gpu.indices[0]: gpu for gpu in parse_nvidia(_nvidia_smi())}
    group = [by_index[index] for index in indices if index in by_index]
    if not group:
        return replace(processor(), slot=slot)
    return joined(group, len(group))[0]
