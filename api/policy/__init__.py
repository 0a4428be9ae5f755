"""The policy for people and programs: what is in force, what was, and putting another version in force."""
