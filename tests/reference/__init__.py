"""What a case ought to record and when, worked out slowly and obviously: what the rules of the product are held against.

Nothing here asks `domain.clocks`, `domain.calendars` or `domain.decide`. Of the domain it takes words, events and the policy's data.
"""
