"""Typeform: forms, their questions, responses and answers."""
