"""Scores with their uncertainty, and comparisons of runs; pure numpy and scipy."""
