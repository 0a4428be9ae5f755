"""Slack: what departments see and press, and the calls that put it there."""
