"""The languages that Loopkeeper speaks: their catalogues, and how sentences, numbers and days are told in one."""
