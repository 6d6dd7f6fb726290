"""Objective runs: what was asked, every sample, the scores, and the devices at work."""

from benchmarks.models.device import Device, DeviceState
from benchmarks.models.question_file import QuestionFile
from benchmarks.models.run import BenchmarkRun, BenchmarkTask, EngineKind, Intent
from benchmarks.models.sample import Sample
from benchmarks.models.target import PublishedScore

__all__ = [
    "BenchmarkRun",
    "BenchmarkTask",
    "Device",
    "DeviceState",
    "EngineKind",
    "Intent",
    "PublishedScore",
    "QuestionFile",
    "Sample",
]
