"""The ports made real. Adapters know the domain and their own outside party, and not each other."""
