"""The rules of the loop: pure, no I/O, no clock, no randomness, no framework."""
