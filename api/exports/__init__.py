"""Exports over the console and over REST: asked for, sent as they are made, and followed while they are."""
