"""The page on which one person plays customer, department and social team side by side."""
