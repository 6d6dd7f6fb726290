"""Families of tasks: one module per suite, found by name in ``SUITES``."""

from benchmarks.suites_base import Suite
from registry import Registry

SUITES: Registry[Suite] = Registry("benchmark suite", "benchmarks.suites")
