"""What `dev.py` is made of: the environment in `.venv`, made once and kept right, and the commands handed over to it.

Standard library only, because it runs before anything is installed. Not part of the product: nothing in
Loopkeeper imports it, and it imports nothing of Loopkeeper.
"""
