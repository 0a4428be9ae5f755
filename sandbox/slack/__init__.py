"""Slack: its Web API, its events and interactions, and what people do in it."""
