"""The public square: every network that is connected by docs/channel-contract.md, and the bridge to it."""
