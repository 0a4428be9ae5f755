"""The forms in which histories leave the installation."""
