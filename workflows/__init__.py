"""Deterministic orchestration: the loops around the rules. They hold no rule of their own."""
