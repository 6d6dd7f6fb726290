"""Workers at the accelerators of this host, one process each."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from dataclasses import dataclass, field
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError, connections

from benchmarks.hardware import MIB, Accelerator, chosen, current, find_accelerators, joined
from benchmarks.routing import device_queue
from benchmarks.sandbox.runner import isolation_level
from benchmarks.services.accelerators import (
    ACTIVITY,
    free_rows_of_dead_workers,
    report_device,
    work_on_accelerator,
)
from benchmarks.services.libraries import how_to_install, missing_packages

logger = logging.getLogger(__name__)
REPORT_EVERY_S = 2.0
LOOK_EVERY_S = 0.5
# a worker that dies again and again is started less and less often
RESTART_AFTER_S = (0.0, 2.0, 10.0, 60.0)
LIVED_WELL_S = 120.0
PR_SET_PDEATHSIG = 1


class Command(BaseCommand):
    help = "Start one benchmark worker per attached GPU (or one on the processor) and watch them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--gpus-per-worker", type=int, default=1,
                            help="GPUs that serve one model together")  # fmt: skip
        parser.add_argument("--devices", nargs="+", metavar="GPU", default=[],
                            help="which GPUs, such as 0 1 2+3 (2 and 3 together)")  # fmt: skip
        parser.add_argument("--list", action="store_true", help="say what is found and leave")
        parser.add_argument("--slot", help="be the worker of this device (used by the command)")
        parser.add_argument("--until-idle", action="store_true",
                            help="do what is waiting, then leave")  # fmt: skip

    def handle(self, *_: Any, **options: Any) -> None:
        if options["slot"]:
            be_worker(options["slot"], until_idle=options["until_idle"])
            return
        devices = self._devices(options)
        if all(device.kind == "cpu" for device in devices):
            self.stdout.write("No GPU is attached (nvidia-smi shows none); the processor serves.")
        for device in devices:
            self.stdout.write(_described(device))
        level = isolation_level()
        self.stdout.write(f"sandbox for programs: level {level:d}, {level.name.lower()}")
        if options["list"]:
            return
        missing = missing_packages("local")
        if missing:
            raise CommandError(
                f"{' and '.join(missing)} not installed, so no model can be loaded here; "
                f"run {how_to_install('local')}"
            )
        self._supervise(devices, until_idle=options["until_idle"])

    def _devices(self, options: dict[str, Any]) -> list[Accelerator]:
        found = find_accelerators()
        if options["devices"]:
            try:
                return chosen(found, options["devices"])
            except LookupError as error:
                raise CommandError(str(error.args[0])) from error
        devices = joined(found, options["gpus_per_worker"])
        if not devices:
            raise CommandError(
                f"there are fewer than {options['gpus_per_worker']} GPUs here; "
                "ask for fewer per worker"
            )
        return devices

    def _supervise(self, devices: list[Accelerator], *, until_idle: bool) -> None:
        """A worker that dies is started again; Ctrl-C and SIGTERM end all."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        workers = [Watched(device, until_idle) for device in devices]
        try:
            while any(worker.is_wanted for worker in workers):
                for worker in workers:
                    told = worker.look(time.monotonic())
                    if told:
                        self.stderr.write(told)
                time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            self.stdout.write("stopping")
        finally:
            for worker in workers:
                worker.process.terminate()
            for worker in workers:
                worker.process.wait()


@dataclass(slots=True)
class Watched:
    """A worker process that is started again when it dies, with growing pauses."""

    device: Accelerator
    until_idle: bool
    deaths: int = 0
    restart_at: float | None = None
    started_at: float = field(default_factory=time.monotonic)
    is_wanted: bool = True
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.process = _start(self.device, self.until_idle)

    def look(self, now: float) -> str:
        """Start it again when it is time; returns what there is to tell."""
        if not self.is_wanted or self.process.poll() is None:
            return ""
        if self.until_idle and self.process.returncode == 0:
            self.is_wanted = False
            return ""
        if self.restart_at is None:
            self.deaths = 0 if now - self.started_at > LIVED_WELL_S else self.deaths + 1
            wait_s = RESTART_AFTER_S[min(self.deaths, len(RESTART_AFTER_S) - 1)]
            self.restart_at = now + wait_s
            code = self.process.returncode
            return f"{self.device.slot}: worker ended with {code}, restarting in {wait_s:g} s"
        if now >= self.restart_at:
            self.process, self.started_at = _start(self.device, self.until_idle), now
            self.restart_at = None
        return ""


def _described(device: Accelerator) -> str:
    driver = f", driver {device.driver}" if device.driver else ""
    return f"{device.slot}: {device.name}, {device.memory_bytes // MIB} MiB{driver}"


def _start(device: Accelerator, until_idle: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, sys.argv[0], "gpu_worker", "--slot", device.slot]
    command += ["--until-idle"] if until_idle else []
    environment = dict(os.environ)
    if device.kind == "cuda":
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(device.indices)
    # a supervisor that is killed outright must not leave workers behind
    return subprocess.Popen(command, env=environment, preexec_fn=_die_with_parent)  # noqa: PLW1509  # no thread runs in the supervisor


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def be_worker(slot: str, *, until_idle: bool) -> None:
    """Report the device, do what is waiting, then serve its queue."""
    host = socket.gethostname()[:60]
    ACTIVITY.device, ACTIVITY.listens = current(slot), not until_idle
    report_device(host, ACTIVITY.device)
    threading.Thread(target=_report_for_ever, args=(host, slot), daemon=True).start()
    free_rows_of_dead_workers()
    work_on_accelerator()
    if until_idle:
        return
    from celery import current_app

    # solo: the model lives in this process, and a forked child could not use the device
    current_app.worker_main(
        ["worker", "--queues", device_queue(host, slot), "--pool", "solo", "--hostname",
         f"{slot}@%h", "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    )  # fmt: skip


def _report_for_ever(host: str, slot: str) -> None:
    while True:
        time.sleep(REPORT_EVERY_S)
        try:
            report_device(host, current(slot))
        except DatabaseError:
            # a busy or restarting database must not make the device look dead for good
            logger.warning("the state of %s could not be stored", slot, exc_info=True)
        connections.close_all()
