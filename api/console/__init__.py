"""The social team's console: the board of open loops, a case and all that can be done to it, and what needs the team."""
