"""The verifier: one file that an auditor reads whole before trusting it. It imports nothing of ours."""
