"""Claiming rows and driving them: the engine under every batch of slow or paid work."""
