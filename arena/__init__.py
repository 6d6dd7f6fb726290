"""What is compared: models, questions, answers, battles, votes."""

__version__ = "0.1.0"
