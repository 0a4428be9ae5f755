"""The database's shape, step by step. Forward only: expand first, contract in a later release."""
