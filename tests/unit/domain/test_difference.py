"""What was changed in a text is told word by word, and nothing of either text is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.difference import MOST_WORDS, difference

TEXTS = st.text(alphabet=st.sampled_from("ab \n<é"), max_size=40)


def test_what_stayed_what_is_gone_and_what_is_new() -> None:
    assert difference("You get a voucher today.", "You get 20 pounds today.") == [
        ("same", "You get "),
        ("gone", "a voucher "),
        ("new", "20 pounds "),
        ("same", "today."),
    ]


@given(before=TEXTS, after=TEXTS)
def test_each_text_can_be_read_off_again(before: str, after: str) -> None:
    runs = difference(before, after)
    assert "".join(words for what, words in runs if what != "gone") == after
    gone = [words for what, words in runs if what != "new"]
    assert "".join(gone) == before


def test_very_long_texts_are_told_as_wholes() -> None:
    before, after = "a " * MOST_WORDS, "b " * MOST_WORDS
    assert difference(before, after) == [("gone", before), ("new", after)]
