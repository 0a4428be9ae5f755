"""PostgreSQL: histories, words, the ledger, what came in, and the views for reading."""
