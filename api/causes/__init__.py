"""Shared causes: many cases, one root cause, told by one text."""
