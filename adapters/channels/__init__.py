"""The networks: how each is posted to and looked at."""
