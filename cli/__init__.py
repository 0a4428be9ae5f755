"""The `loopkeeper` command."""
