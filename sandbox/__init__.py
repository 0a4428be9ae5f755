"""A stand-in outside world: a public square, a Slack and a mailbox, on one address.

It is an honest outsider: it imports nothing of the product, is told only addresses and secrets, and speaks each party's
own wire format, so that genuine client libraries talk to it with only the base URL changed.
"""
