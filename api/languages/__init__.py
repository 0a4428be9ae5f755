"""The languages that pages speak: which one whoever reads wants, and how words, numbers and moments are told in it."""
