"""Privacy over the console and over REST: find, erase by two people, give access, hold, and what retention would destroy."""
