"""What is done with speed runs: planned, started, driven, stopped, finished, found again."""
