"""What may be said of what customers write about: terms of several of them, and nothing that could say who they are."""

from __future__ import annotations

from domain.topics import AT_LEAST, Rising, counted, rising, terms

POST = (
    "@meridian my broadband router has NO signal since 3pm, order MM-123456, mail me at sam@example.com "
    "https://x.example/a?b=c Sam's router!"
)


def test_a_post_gives_words_and_pairs_without_handles_numbers_addresses_or_links() -> None:
    assert terms(POST) == {"broadband", "router", "broadband router", "signal", "order", "mail", "sam", "sam router"}


def test_a_pair_does_not_reach_over_a_stop_word_or_a_full_stop() -> None:
    assert terms("the router. Signal the bill") == {"router", "signal", "bill"}


def test_short_forms_are_no_words_of_their_own() -> None:
    assert terms("I'll say they've lost my parcel, it'd be the driver's third") == {"lost", "parcel", "driver", "third", "driver third"}


def test_a_term_of_fewer_customers_than_needed_is_never_counted() -> None:
    said = [(f"c{n}", "outage again") for n in range(AT_LEAST)] + [("c0", "outage"), ("c1", "unmistakable")]
    assert counted(said) == {"outage": AT_LEAST}
    assert counted(said[1:]) == {"outage": AT_LEAST}
    assert counted(said[1:-2]) == {}


def test_what_rises_is_told_against_the_middle_of_the_weeks_before() -> None:
    now = {"outage": 40, "router": 20, "bill": 30}
    before = [
        {"outage": 10, "router": 18, "bill": 29},
        {"outage": 200, "router": 20},
        {"outage": 8, "router": 21, "bill": 30},
        {"outage": 12},
    ]
    found = rising(now, before)
    assert [one.term for one in found] == ["outage", "bill"]
    assert found[0] == Rising("outage", 40, (10, 200, 8, 12))
    assert found[0].usual == 11
    assert found[0].times == 40 / 11


def test_a_pair_that_carries_its_words_is_told_in_their_place() -> None:
    found = rising({"payment": 21, "declined": 20, "payment declined": 20, "visa": 9}, [])
    assert [one.term for one in found] == ["payment declined", "visa"]
