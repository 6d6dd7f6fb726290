"""Workers at the accelerators of this host, one process each."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import connections

from benchmarks.hardware import MIB, Accelerator, current, find_accelerators, joined
from benchmarks.routing import SHARED_QUEUE, device_queue
from benchmarks.services.accelerators import report_device, work_on_accelerator

REPORT_EVERY_S = 2.0
LOOK_EVERY_S = 0.5


class Command(BaseCommand):
    help = "Start one benchmark worker per attached GPU (or one on the processor) and watch them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--gpus-per-worker", type=int, default=1,
                            help="GPUs that serve one model together")  # fmt: skip
        parser.add_argument("--list", action="store_true", help="say what is found and leave")
        parser.add_argument("--slot", help="be the worker of this device (used by the command)")
        parser.add_argument("--until-idle", action="store_true",
                            help="do what is waiting, then leave")  # fmt: skip

    def handle(self, *_: Any, **options: Any) -> None:
        if options["slot"]:
            be_worker(options["slot"], until_idle=options["until_idle"])
            return
        devices = joined(find_accelerators(), options["gpus_per_worker"])
        if not devices:
            raise CommandError(
                f"there are fewer than {options['gpus_per_worker']} GPUs here; "
                "ask for fewer per worker"
            )
        for device in devices:
            self.stdout.write(_described(device))
        if not options["list"]:
            self._supervise(devices, until_idle=options["until_idle"])

    def _supervise(self, devices: list[Accelerator], *, until_idle: bool) -> None:
        """A worker that dies is started again; Ctrl-C and SIGTERM end all."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        running = {device.slot: _start(device, until_idle) for device in devices}
        try:
            while running:
                for device in devices:
                    process = running.get(device.slot)
                    if process is None or process.poll() is None:
                        continue
                    if until_idle and process.returncode == 0:
                        del running[device.slot]
                    else:
                        told = f"{device.slot}: worker ended with {process.returncode}, restarting"
                        self.stderr.write(told)
                        running[device.slot] = _start(device, until_idle)
                time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            self.stdout.write("stopping")
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait()


def _described(device: Accelerator) -> str:
    driver = f", driver {device.driver}" if device.driver else ""
    return f"{device.slot}: {device.name}, {device.memory_bytes // MIB} MiB{driver}"


def _start(device: Accelerator, until_idle: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, sys.argv[0], "gpu_worker", "--slot", device.slot]
    command += ["--until-idle"] if until_idle else []
    environment = dict(os.environ)
    if device.kind == "cuda":
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(device.indices)
    return subprocess.Popen(command, env=environment)


def be_worker(slot: str, *, until_idle: bool) -> None:
    """Report the device, do what is waiting, then serve its queue and the shared one."""
    host = socket.gethostname()[:60]
    report_device(host, current(slot))
    threading.Thread(target=_report_for_ever, args=(host, slot), daemon=True).start()
    work_on_accelerator()
    if until_idle:
        return
    from celery import current_app

    queues = f"{SHARED_QUEUE},{device_queue(host, slot)}"
    # solo: the model lives in this process, and a forked child could not use the device
    current_app.worker_main(
        ["worker", "--queues", queues, "--pool", "solo", "--hostname", f"{slot}@%h",
         "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    )  # fmt: skip


def _report_for_ever(host: str, slot: str) -> None:
    while True:
        time.sleep(REPORT_EVERY_S)
        report_device(host, current(slot))
        connections.close_all()
