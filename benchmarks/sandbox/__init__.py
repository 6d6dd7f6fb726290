"""Running code that a model wrote, without trusting it."""
