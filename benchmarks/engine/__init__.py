"""Scoring and generating with a local model: the same numbers as lm-eval's, with fewer tokens run.

``torch`` and ``transformers`` are imported only when a model is loaded.
"""
