"""Live battles: two models answer a visitor's own prompt, streamed at one pace."""
