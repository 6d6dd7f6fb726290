"""Checkpoints run in this process with transformers: loading, batching, scoring, generating.

Nothing here is imported before a model is first asked; only ``spec`` is free of torch.
"""
