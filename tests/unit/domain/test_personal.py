"""What looks like personal data: what is found, what is not, and what is left of it to see."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.personal import Finding, Kind, find, masked, named, order_pattern

OURS = frozenset({"0800 123 456", "help@meridian.example", "+44 20 7946 0018", "(212) 736-5000"})
ORDERS = (order_pattern(r"MER-\d{6}"), order_pattern(r"9\d{11}"))


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.kind.value, text[finding.start : finding.end]) for finding in find(text, ORDERS, OURS)]


@pytest.mark.parametrize(
    "text",
    [
        "write to ⟦sam.okafor+shop@mail.example.co.uk⟧, please",
        "⟦SAM@EXAMPLE.COM⟧! ⟦Sam@Example.Com⟧.",
        "mailto:⟦o'hara_7@example.com⟧",
        "https://shop.example/unsubscribe?email=⟦sam%40example.com⟧&list=7",
        "⟦jürgen@exämple.de⟧",
        "⟦sam [at] example [dot] com⟧, ⟦sam(at)example.com⟧, ⟦sam dot okafor (at) example (dot) org⟧",
        "⟦sam at gmail dot com⟧ or ⟦sam @ hotmail.co.uk⟧",
        "メールは⟦sam@example.com⟧です",
        "⟦07900248601@example.com⟧",
    ],
)
def test_an_e_mail_address_is_found(text: str) -> None:
    check(text, Kind.E_MAIL)


@pytest.mark.parametrize(
    "text",
    [
        "⟦4242 4242 4242 4242⟧ expires 12/28",
        "⟦4242424242424242⟧",
        "⟦4242-4242-4242-4242⟧, ⟦4242.4242.4242.4242⟧",
        "⟦4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2⟧",
        "Amex ⟦3782 822463 10005⟧, Mastercard ⟦2223003122003222⟧, Diners ⟦30569309025904⟧, JCB ⟦3530111333300000⟧",
        "an old Visa of thirteen: ⟦4222222222222⟧, UnionPay of nineteen: ⟦6205500000000000004⟧",
        "my 2 cards: 1) ⟦5555 5555 5555 4444⟧ 2) ⟦6011 1111 1111 1117⟧",
    ],
)
def test_a_card_number_is_found(text: str) -> None:
    check(text, Kind.CARD)


@pytest.mark.parametrize(
    "text",
    [
        "⟦DE89 3704 0044 0532 0130 00⟧",
        "iban:⟦gb82west12345698765432⟧, thanks",
        "⟦GB82 WEST 1234 5698 7654 32⟧ is my account",
        "⟦NO9386011117947⟧ / ⟦MT84 MALT 0110 0001 2345 MTLC AST0 01S⟧",
        "⟦FR14-2004-1010-0505-0001-3M02-606⟧",
    ],
)
def test_an_iban_is_found(text: str) -> None:
    check(text, Kind.IBAN)


@pytest.mark.parametrize(
    "text",
    [
        "⟦+44 7900 248601⟧, ⟦0044 7900 248601⟧, ⟦+44 (0)20 7946 0019⟧, ⟦(+44) 20 7946 0019⟧",
        "⟦07900248601⟧. ⟦020 7946 0019⟧; ⟦(020) 7946 0019⟧",
        "⟦+1(818)930-5703⟧ ⟦850.266.3576⟧\n⟦1-818-930-5703⟧, ⟦(818) 9305703⟧",
        "⟦06.12.34.56.78⟧ or ⟦06 12 34 56 78⟧ or ⟦+33 6 12 34 56 78⟧",
        "⟦0171/1234567⟧, ⟦030 1234567⟧, ⟦+49 30 123456⟧",
        "⟦08070635658⟧/⟦08070635659⟧,⟦08070635650⟧",
        "⟦138 1234 5678⟧ and ⟦98765 43210⟧ and ⟦(11) 91234-5678⟧",
        "My phone number is ⟦8106028994⟧",
        "call me on ⟦555-1234⟧; WhatsApp: ⟦912 345 678⟧; ⟦7900248601⟧ is my mobile",
        "my account is locked, please ring ⟦7900248601⟧",
        "Tel.⟦07900248601⟧ (⟦07900 248602⟧)",
        "4 calls to ⟦07900 248601⟧ 24/7 on 01/11/2017 at 10:30",
        "電話番号は⟦09012345678⟧です",
    ],
)
def test_a_phone_number_is_found(text: str) -> None:
    check(text, Kind.PHONE)


@pytest.mark.parametrize(
    "text",
    [
        "⟦MER-123456⟧ and ⟦mer-123457⟧",
        "call about ⟦912345678901⟧, which is no phone",
        "https://shop.example/orders/⟦MER-123456⟧",
    ],
)
def test_an_order_number_is_found_by_the_brands_own_pattern(text: str) -> None:
    check(text, Kind.ORDER)


@pytest.mark.parametrize(
    "text",
    [
        "⟦٠٧٩٠٠٢٤٨٦٠١⟧",
        "⟦０７９００　２４８６０１⟧",
        "⟦079\u200b00\u00a0248\u2060601⟧",
        "⟦07900\u2011248\u2013601⟧",
        "⟦0\u03367\u03369\u03360\u03360\u03362\u03364\u03368\u03366\u03360\u03361\u0336⟧",
        "1\ufe0f\u20e3 ⟦" + "".join(f"{digit}\ufe0f\u20e3" for digit in "07900248601") + "⟧!",
    ],
)
def test_digits_of_other_scripts_and_what_cannot_be_seen_hide_no_number(text: str) -> None:
    check(text, Kind.PHONE)


def test_what_cannot_be_seen_hides_no_other_kind_either() -> None:
    check("⟦sam\u200b@exam\u00adple.com⟧ ⟦sam＠example．com⟧", Kind.E_MAIL)
    check("⟦4242\u00a04242\u20094242\u200b 4242⟧ ⟦４２４２４２４２４２４２４２４２⟧", Kind.CARD)
    check("⟦DE89\u202f3704\u202f0044\u202f0532\u202f0130\u202f00⟧", Kind.IBAN)
    check("⟦MER\u2010123\u200b456⟧", Kind.ORDER)


def check(marked: str, kind: Kind) -> None:
    """Exactly what stands in ⟦…⟧ is found, as `kind`."""
    text = re.sub("[⟦⟧]", "", marked)
    assert found(text) == [(kind.value, piece) for piece in re.findall("⟦(.*?)⟧", marked)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "My package is three days late and nobody answers!!",
        "on 01/11/2017, 1.11.2017, 2017-10-31, 31-10-2017 and 20171031 at 10:30 or 09.30-17.00 12 people",
        "open 0900-1700 24 7 and 24/7, call 0900-1700, the seasons 2016-2017 and call 2016 2017",
        "it costs £1,234,567.89 or $8106028994, 0.99 a minute, Rs 9876543210, 1 234 567 890 in all, +1000000000 views, +44 000 000 000",
        "version 1.0.68.407.g6864aaaf on 192.168.1.100 and 137.221.105.152, IMEI 356938035643809",
        "https://x.example/status/1712345678901234567?id=07900248601 and www.shop.example/07900248601 and shop.example/4242424242424242",
        "@07900248601 @user_07900248601 #07900248601 #order4242424242424242",
        "1712345678901234567, 923456789012345678 and 9400111899223817425037",
        "order number 0123456789, ref: 0345 678 901, account 07900248601, ticket no. 0062395415777, Bestellnummer 01234567890",
        "550e8400-e29b-41d4-a716-446655440000 0x80070005 IMG_20171031_07900248601 A07900248601 07900248601B 07900248601%",
        "4242 4242 4242 4241, 1234 5678 9012 3452, 0000 0000 0000 0000",
        "DE89 3704 0044 0532 0130 01 and XX89 3704 0044 0532 0130 00, be12 what you are",
        "Boston, MA 02134-1234 and phx,85029 or 64040-64044",
        "the DFARS clause 252.227-7013, seats 12 14 16, page 1 2 3 4 5 6 7 8 9",
        "@user@mastodon.example and https://user@shop.example/ and icon@2x.png, thank you@BrandCare.Thanks you@BrandCare.PLEASE",
        "shop at brand dot com, I cannot log in at gmail dot com, giving out $3 burritos @ select ones (@ Brand Lounge in San Francisco)",
        "call 1-800-325-8224, 0800 325 8224, +1 877 350 0038 or +44 800 325 822: it costs nothing",
        "0120-999-373へ",
        "MER-12345 XMER-123456 MER-1234567 1234567890123",
        "07900\n248601 and 4242 4242\n4242 4242",
    ],
)
def test_what_only_looks_alike_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_the_brands_own_addresses_and_numbers_never_count_however_they_are_written() -> None:
    text = "HELP@Meridian.example, 0800 123 456, +44 800 123456, 0044800123456, 020 7946 0018, +1 212-736-5000 or 212.736.5000 24/7"
    assert found(text) == []
    assert find("020 7946 0018", ours=frozenset({"０２０ ７９４６ ００１８"})) == []
    assert find("800123456789", [order_pattern(r"\d{12}")], frozenset({"+49 800 123456789"})) == []
    assert found("xhelp@meridian.example, 020 7946 00180") == [("e_mail", "xhelp@meridian.example")]


def test_a_card_number_is_one_even_where_an_order_number_looks_like_it() -> None:
    text = "4242424242424242 1242424242424242"
    assert [finding.kind for finding in find(text, [order_pattern(r"\d{16}")])] == [Kind.CARD, Kind.ORDER]


def test_patterns_of_the_standard_library_will_do_for_order_numbers() -> None:
    assert find("A1 B22 C333", [re.compile(r"[A-Z]\d*")]) == [
        Finding(Kind.ORDER, 0, 2),
        Finding(Kind.ORDER, 3, 6),
        Finding(Kind.ORDER, 7, 11),
    ]
    assert find("A\n1 A 1", [re.compile(r"A\s1|x*")]) == [Finding(Kind.ORDER, 4, 7)]  # neither over a line's end nor where nothing stands


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail sam.okafor@example.co.uk now", "mail s•••@e•••.uk now"),
        ("sj@aa.com, sam [at] example [dot] com", "•••@•••.com, s•••@e•••.com"),
        ("4242 4242 4242 4242!", "•••• 4242!"),
        ("378282246310005", "•••• 0005"),
        ("+44 7900 248601 or call 555-1234", "•••• 601 or call •••• 34"),
        ("de89 3704 0044 0532 0130 00", "DE•••• 3000"),
        ("MER-123456", "•••• 456"),
        ("one\n07900248601\r\nthree\n", "one\n•••• 601\r\nthree\n"),
        ("٠٧٩٠٠٢٤٨٦٠١", "•••• 601"),
        ("nothing here", "nothing here"),
    ],
)
def test_what_is_shown_is_enough_to_recognise_and_not_enough_to_use(text: str, shown: str) -> None:
    assert masked(text, find(text, ORDERS, OURS)) == shown


def test_a_short_order_number_is_hidden_but_for_a_third() -> None:
    assert masked("A1 B22 C33333", find("A1 B22 C33333", [re.compile(r"[A-Z]\d+")])) == "•••• •••• 2 •••• 33"


def test_people_are_told_by_name_what_was_found() -> None:
    assert named([]) == ""
    assert named([Kind.CARD]) == "a card number"
    assert named([Kind.PHONE, Kind.E_MAIL, Kind.PHONE]) == "an e-mail address and a phone number"
    assert named(Kind) == "an e-mail address, a phone number, a card number, a bank account number and an order number"


# What must hold for any text

PIECES = (
    *("07900248601", "+44 7900 248601", "0044 7900 248601", "(020) 7946 0019", "818-930-5703", "8106028994", "555-1234", "0800 123 456"),
    *("4242424242424242", "4242 4242 4242 4242", "DE89 3704 0044 0532 0130 00", "gb82west12345698765432", "MER-123456", "912345678901"),
    *("sam@example.com", "sam [at] example [dot] com", "sam at gmail dot com", "help@meridian.example", "@sam", "foo.bar/", "www."),
    *(
        "phone ",
        "call me on ",
        "order number ",
        " is my phone",
        "https://x.example/",
        " at ",
        "[at]",
        ".com",
        "01/11/2017",
        "10:30",
        "24/7",
    ),
    *(
        "192.168.1.1",
        "a716-",
        "•",
        "•••",
        "•••• 42",
        "\n",
        "\r\n",
        "\u2028",
        "\u200b",
        "\u00a0",
        "\u0336",
        "٤",
        "４",
        "%40",
        "é",
        "電",
        "ab",
    ),
    *" 0124+()-./:,@#_%&=€$'",
)
texts = st.lists(st.sampled_from(PIECES), max_size=10).map("".join) | st.text(max_size=60) | st.text("0123456789 +-.()@•ab", max_size=40)
settings_of_the_brand = st.sampled_from([((), frozenset()), (ORDERS, OURS)])


@settings(max_examples=500)
@given(texts, settings_of_the_brand)
def test_findings_are_in_the_text_in_order_and_apart_and_on_one_line(text: str, brand: tuple[Any, frozenset[str]]) -> None:
    end = 0
    for finding in find(text, *brand):
        assert end <= finding.start < finding.end <= len(text)
        assert len(text[finding.start : finding.end].splitlines()) == 1
        end = finding.end


@settings(max_examples=500)
@given(texts, settings_of_the_brand)
def test_nothing_is_found_in_what_was_masked(text: str, brand: tuple[Any, frozenset[str]]) -> None:
    assert find(masked(text, find(text, *brand)), *brand) == []


@settings(max_examples=300)
@given(texts, settings_of_the_brand)
def test_masking_leaves_everything_else_and_the_lines_as_they_are(text: str, brand: tuple[Any, frozenset[str]]) -> None:
    findings = find(text, *brand)
    hidden = masked(text, findings)
    ends = [0, *(place for finding in findings for place in (finding.start, finding.end)), len(text)]
    kept = [text[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True)]
    assert re.fullmatch("(.{3,40})".join(map(re.escape, kept)), hidden, re.DOTALL)
    assert len(hidden.splitlines()) == len(text.splitlines())


@given(st.sampled_from([Kind.CARD, Kind.IBAN, Kind.PHONE]), st.integers(0, 10**9 - 1))
def test_no_more_than_the_last_digits_can_be_read(kind: Kind, number: int) -> None:
    text, most = {
        Kind.CARD: (with_luhn(f"424242{number:09d}"), 4),
        Kind.IBAN: (with_check_digits(f"{number:018d}"), 4),
        Kind.PHONE: (f"+44 79{number % 10**8:08d}".replace("000000", "000001"), 3),
    }[kind]
    findings = find(text)
    assert [finding.kind for finding in findings] == [kind]
    assert len(re.findall(r"\d", masked(text, findings))) <= most


def with_luhn(digits: str) -> str:
    return next(
        digits + last
        for last in "0123456789"
        if sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate((digits + last)[::-1], 1)) % 10 == 0
    )


def with_check_digits(account: str) -> str:
    return f"DE{98 - int(f'{account}131400') % 97:02d}{account}"


# Hostile texts

NASTY = [
    *("0", "0 ", "07", "4", "4 ", "4242 ", "4-", "+", "+1", "(", "(0", "0)", ".", "1.", "a.", "-", "0-", "/", "1/1/", "1:"),
    *("@", "a@", "a@a.", "@a", "a@a", "%40", "a ", " at ", "a at ", "[at]", " dot ", "a dot ", "a@a dot ", "(", "[dot"),
    *("DE", "DE89", "de89 ", "GB82W", "•", "••• ", "•••@", "••••1", "•••@a•••.", "#", "#a", "http://", "http://a/", "www.", "a.com/"),
    *("order number ", "number ", "call ", "phone: ", "x", "é", "٤", "\u200b", "\u0336", "MER-", "MER-12345", "24/7 ", "1.1.1.", "\n"),
]


def steps(work: Callable[[], object]) -> int:
    """How many lines of the rules are run through."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        if "/domain/" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("nasty", NASTY)
def test_twice_the_text_takes_twice_the_steps(nasty: str) -> None:
    once, twice = ((nasty * 1000)[:length] for length in (500, 1000))
    assert steps(lambda: find(twice, ORDERS, OURS)) <= 2.2 * steps(lambda: find(once, ORDERS, OURS)) + 500


@pytest.mark.parametrize("nasty", NASTY)
def test_a_long_hostile_text_is_read_to_its_end(nasty: str) -> None:
    """The steps within an expression cannot be counted; one that takes them without bound would never come to the end."""
    text = (nasty * 20_000)[:20_000]
    hidden = masked(text, find(text + " sam@example.com", ORDERS, OURS)[:-1])
    assert len(hidden.splitlines()) == len(text.splitlines())


# The brand's own patterns


@pytest.mark.parametrize(
    ("source", "fits", "not_this"),
    [
        (r"MER-\d{6}", "mer-123456", "MER-1234567"),
        (r"[A-Z]{1,3}-\d+", "ab-1", "abcd-1"),
        (r"(?:MER|ORD)[- ]?\d{6,10}", "ORD 1234567", "ORD  1234567"),
        (r"\d{3}-\d{7}-\d{7}", "112-1234567-1234567", "112-1234567-12345678"),
        (r"(?<=order )\d{6}", "123456", "12345"),
        (r"#\d{5}(?!\d)|W\d{9}", "#12345", "W12345678"),
        (r"[\]\-x]\d{4}", "]1234", "1234"),
        (r"\d{10,}", "1" * 30, "1" * 31),
        (r"a\.b{2}c{0}d?e++", "a.bbee", "axbbee"),
    ],
)
def test_a_pattern_finds_whole_order_numbers(source: str, fits: str, not_this: str) -> None:
    def in_a_sentence(number: str) -> list[str]:
        text = f"my order {number}, please"
        return [text[finding.start : finding.end] for finding in find(text, [order_pattern(source)]) if finding.kind is Kind.ORDER]

    assert in_a_sentence(fits) == [fits]
    assert in_a_sentence(not_this) == []


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("a" * 201, "an order pattern has 200 characters at most, and this one has 201"),
        ("", "'' matches where nothing stands; say how many characters an order number has at least"),
        (r"\d*", r"'\d*' matches where nothing stands; say how many characters an order number has at least"),
        (r"x|", "'x|' matches where nothing stands; say how many characters an order number has at least"),
        (r"(?=M)", "'(?=M)' matches where nothing stands; say how many characters an order number has at least"),
        (r"\w+", r"'\w+' matches everyday words such as 'Thank'; say what an order number begins with"),
        (r"\d\d", r"'\d\d' matches everyday words such as '12'; say what an order number begins with"),
        ("(a", "'(a' opens a bracket that is not closed"),
        ("a)", "'a)' closes a bracket that was not opened"),
        ("[a", "'[a' cannot be read from '[a' on"),
        ("a**", "'a**' cannot be read from '*' on"),
        ("a{2", "'a{2' cannot be read from '{2' on"),
        ("a\\", "'a\\' cannot be read from '\\' on"),
        (r"\p{L}1", r"'\p{L}1' has \p, which an order pattern cannot have; there are: \d \w \s \b \D \W \S \B"),
        (r"[\x41]1", r"'[\x41]1' has \x, which an order pattern cannot have; there are: \d \w \s \b \D \W \S \B"),
        (r"(a)\1", r"'(a)\1' cannot be read from '\1' on"),
        ("(?P<n>a)", "'(?P<n>a)' has '(?P<', which an order pattern cannot have; there are: ( (?: (?= (?! (?<= (?<!"),
        (r"\d{40}", r"'\d{40}' repeats with {40}; 30 times are the most"),
        ("a{3,2}", "'a{3,2}' repeats with {3,2}; 30 times are the most"),
        ("a{,}", "'a{,}' repeats with {,}; 30 times are the most"),
        ("[b-a]1", "'[b-a]1' is no regular expression: bad character range"),
        ("(" * 9 + "a" + ")" * 9, "'(((((((((a)))))))))' has brackets within brackets, more than 8 deep"),
        *(
            (source, f"'{source}' can be matched in too many ways; say how long its parts are, such as \\d{{6,8}} instead of \\d+")
            for source in (r"(a+)+x", r"(a|a)*x", r"(\d+-?)+x", r"\d+\d+\d+x", r"(?:(?:a?){9}){9}x", "a?" * 30 + "a" * 30, r"(x+x+)+y")
        ),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        order_pattern(source)
    assert why in str(refused.value)


@given(st.text(r"ab1\d.*+?{}2,9()[]|^$-:=!<", max_size=16))
def test_whatever_is_taken_for_a_pattern_comes_to_an_end_on_any_text(source: str) -> None:
    try:
        pattern = order_pattern(source)
    except ValueError:
        return
    for text in ("a" * 2000, "1" * 2000, "ab1" * 700):
        assert all(finding.start < finding.end for finding in find(text, [pattern]))
