"""What is written in private, from the network to the vault and back to whoever has the right; and what everybody can read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import create_engine, text

from activities.publish import Publisher
from adapters.postgres.reading import Wanted
from adapters.postgres.store import Store
from api.acting import Acting, Saying
from api.drafting import mind
from domain import commands as c
from domain import events as e
from domain.errors import NothingShown, ShowsPersonalData
from domain.limits import length
from domain.pace import REAL_TIME, Pace
from domain.story import story
from tests.conftest import INDEX_KEY, KEYS, WORDING
from tests.integration.onrecord import ANA, OnRecord
from tests.integration.opened import arrive, created, place
from tests.integration.test_ledger import HASTE, Square
from tests.policies import SHIPPED
from workflows.gateway import CaseGateway

SECRET = "My daughter Mia is in St Mary's hospital, ward 7."
OURS = "Which ward is she in, and may we send the engineer to your sister in Leeds?"
MIRA = {"id": "88", "handle": "mira", "name": "Mira Kowalski"}


@pytest.fixture
def case(store: Store) -> OnRecord:
    """Sam's case."""
    return OnRecord.opened(store)


def whisper(post: str = "dm1", text: str = SECRET, **data: object) -> dict[str, object]:
    return created(post, text=text, visibility="private", **data)


def rows(database: str, sql: str) -> list[object]:
    engine = create_engine(database)
    with engine.connect() as connection:
        found = list(connection.execute(text(sql)).scalars())
    engine.dispose()
    return found


def do(database: str, sql: str) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text(sql))
    engine.dispose()


# --- where a private message belongs ----------------------------------------------------------------------------------


def test_a_private_message_belongs_to_the_newest_case_of_its_author_and_is_no_public_post(store: Store, case: OnRecord) -> None:
    OnRecord.opened(store, "other", author=MIRA)
    newest = OnRecord.opened(store, "p2")
    placed = newest.comes(whisper())
    assert isinstance(placed.message, c.PostArrived)
    assert (placed.message.private, placed.message.by_customer, placed.message.personal, placed.opened) == (True, True, (), None)
    assert placed.message.triage.rules == (), "the phrases (hospital*) would tell what was written"
    assert (newest.case.last_post, newest.case.private_post, newest.case.private) == ("p2", "dm1", True)
    assert case.case.private is False


def test_it_belongs_to_the_case_of_what_it_answers_a_public_post_or_a_private_reply_of_ours(store: Store, case: OnRecord) -> None:
    OnRecord.opened(store, "p2")
    case.comes(whisper("dm1", in_reply_to="p1"))
    square = Square()
    case.command(c.TakePrivate, case.keep("We wrote to you."), case.keep(OURS, private=True))
    case.publish(Publisher(store.ledger, store.composer, {"x": square}, HASTE))
    (private,) = [reply for reply in square.posts if reply.private]
    assert private.in_reply_to == "dm1", "it answers the private message"
    case.comes(whisper("dm2", in_reply_to=f"r-{private.key}"))


def test_it_belongs_to_the_case_in_which_we_may_just_have_written(store: Store, case: OnRecord, database: str) -> None:
    OnRecord.opened(store, "p2")
    do(
        database,
        "insert into effect (key, case_id, party, purpose, state) values ('e', 'meridian-x-p1', 'publish-x', 'private', 'claimed')",
    )
    case.comes(whisper(in_reply_to="ours-that-is-not-settled-yet"))


def test_whoever_answers_somebody_elses_post_in_private_tells_of_their_own_case(store: Store, case: OnRecord, database: str) -> None:
    number = arrive(store, whisper(author=MIRA, in_reply_to="p1"))
    assert number is not None
    assert store.inbox.place(number) is None, "she has none, but her post may be on its way"
    do(database, "update inbound set state = 'waiting', received_at = received_at - interval '3 minutes' where state = 'parked'")
    assert store.inbox.place(number) is None
    assert ["has no case here" in row["reason"] for row in store.inbox.quarantined()] == [True]
    mira = OnRecord.opened(store, "m1", author=MIRA)
    mira.comes(whisper("dm2", author=MIRA, in_reply_to="p1"))
    assert case.case.private is False


def test_what_the_author_of_a_merged_case_writes_is_their_own_in_the_case_that_it_goes_on_in_and_opens_none_after(
    store: Store, case: OnRecord
) -> None:
    merged = OnRecord.opened(store, "m1", author=MIRA)
    merged.publish(Publisher(store.ledger, store.composer, {"x": Square()}, HASTE))
    target = store.reader.target(merged.case_id, case.case_id)
    assert merged.command(c.Merge, case.case_id, merged.keep("One household."), target) is None
    placed = case.comes(whisper(author=MIRA))
    assert isinstance(placed.message, c.PostArrived)
    assert (placed.message.by_customer, placed.message.thread) == (True, merged.case_id)
    case.command(c.Dismiss, "spam")
    assert place(store, whisper("dm2", author=MIRA)) is None
    assert ["has no case here" in row["reason"] for row in store.inbox.quarantined()] == [True]


@pytest.mark.parametrize("how", [{"channel": "facebook"}, {}], ids=["another channel", "over"])
def test_who_has_no_case_there_is_not_answered_and_shown_to_people(store: Store, case: OnRecord, how: dict[str, str]) -> None:
    if not how:
        case.command(c.Dismiss, "spam")
    assert place(store, whisper(), **how) is None
    (shown,) = store.inbox.quarantined()
    assert shown["reason"] == "a private message of somebody who has no case here: nobody was told of it. Answer it on the network."


def test_a_closed_case_hears_it_while_it_is_watched(store: Store, case: OnRecord) -> None:
    case.command(c.Accept)
    case.command(c.Resolve, "other", case.keep("Solved."))
    case.publish(Publisher(store.ledger, store.composer, {"x": Square()}, HASTE))
    assert case.case.closed_at is not None
    open_one = OnRecord.opened(store, "p2")
    open_one.comes(whisper("dm1"))
    case.comes(whisper("dm2", in_reply_to="p1", text="Thanks, it works."))
    assert case.kinds()[-1] == "customer_wrote", "no public welcome for private thanks"
    open_one.command(c.Dismiss, "duplicate")
    case.comes(whisper("dm3", text="Thank you!"))


def test_one_that_comes_before_what_it_answers_waits_for_it(store: Store) -> None:
    number = arrive(store, whisper(in_reply_to="p1"))
    assert number is not None
    assert store.inbox.place(number) is None
    assert store.inbox.quarantined() == []
    case = OnRecord.opened(store)
    (waiting,) = store.inbox.to_do(timedelta(0))[:1]
    placed = store.inbox.place(number)
    assert waiting is not None
    assert placed is not None
    assert placed.case_id == case.case_id


def test_one_that_comes_as_its_case_ends_opens_no_case_and_is_not_lost(store: Store, case: OnRecord, database: str) -> None:
    placed = place(store, whisper())
    assert placed is not None
    case.command(c.Dismiss, "spam")
    assert store.inbox.elsewhere(placed) is None
    assert rows(database, "select case_id from cases") == [case.case_id]
    assert case.kinds()[-1] == "customer_wrote"
    assert [words for _, _, words in store.reader.private_words(case.case_id)] == [SECRET]
    (shown,) = store.inbox.quarantined()
    number = store.reader.file(case.case_id).number
    assert shown["reason"].endswith(f"It is kept with the case #{number}, which is over.")


def test_a_public_post_that_comes_as_its_case_ends_has_its_words_in_the_case_that_it_opens(store: Store, case: OnRecord) -> None:
    placed = place(store, created("p2", in_reply_to="p1", text="And again!"))
    assert placed is not None
    case.command(c.Dismiss, "spam")
    moved = store.inbox.elsewhere(placed)
    assert moved is not None
    assert store.reader.file(moved.case_id).first_words == "And again!"


# --- at rest ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def talked(store: Store, case: OnRecord) -> OnRecord:
    """A case in which both sides have written in private, and the customer has changed what they wrote."""
    case.command(c.TakePrivate, case.keep("We wrote to you."), case.keep(f"Hi Sam,\n{OURS}\n– Ana", private=True))
    case.publish(Publisher(store.ledger, store.composer, {"x": Square()}, HASTE))
    case.comes(whisper())
    changed = {"id": "dm1", "text": SECRET + " Room 4.", "edited_at": datetime.now(UTC).isoformat()}
    case.comes({"type": "post.edited", "brand": "meridian", "data": changed})
    return case


def test_private_words_are_stored_as_such_and_public_ones_are_not(talked: OnRecord, database: str) -> None:
    private = rows(database, "select count(*) from words where private")
    assert private == [4], "our message as it was written and as it went out, theirs, and theirs as it was changed"
    hashed = rows(database, "select purpose from effect where text_hash is not null order by purpose")
    assert hashed == ["acknowledgement", "went_private"]


def test_the_file_of_a_case_has_no_private_words(store: Store, talked: OnRecord) -> None:
    file = store.reader.file(talked.case_id)
    everything = f"{file} {[story(file, whole=whole) for whole in (True, False)]}"
    assert SECRET not in everything
    assert OURS not in everything
    private = {entry.words for _, entry in file.history if entry.words and entry.words not in file.words}
    assert {file.text_of(reference) for reference in private} == {"(private)"}
    assert "We wrote to you." in everything


def test_whoever_has_the_right_reads_who_wrote_what_and_when(store: Store, talked: OnRecord) -> None:
    store.people.remember(ANA.person, "Ana Silva", "Ana")
    said = store.reader.private_words(talked.case_id)
    assert [(who, words) for who, _, words in said] == [
        ("Ana Silva", f"Hi Sam,\n{OURS}\n– Ana"),
        ("Sam Okafor (@sam)", SECRET),
        ("Sam Okafor (@sam) (changed)", SECRET + " Room 4."),
    ]
    assert [at for _, at, _ in said] == sorted(at for _, at, _ in said)


def test_the_words_of_somebody_who_was_erased_are_gone_in_private_too(store: Store, talked: OnRecord, database: str) -> None:
    do(database, "update words set sealed = null, erased_hash = sealed_hash")
    do(database, "update subject set wrapped_key = null, profile = null, author_hash = sha256('gone'), erased_at = now()")
    assert {words for _, _, words in store.reader.private_words(talked.case_id)} == {"(erased)"}


def test_the_same_words_in_private_and_in_public_are_two(store: Store, case: OnRecord) -> None:
    public, private = case.keep("It is done."), case.keep("It is done.", private=True)
    assert public != private
    assert (case.keep("It is done."), case.keep("It is done.", private=True)) == (public, private)
    assert private not in store.reader.file(case.case_id).words


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_a_draft_that_repeats_private_words_is_refused_with_the_reason(store: Store, talked: OnRecord) -> None:
    file = store.reader.file(talked.case_id)
    told = "repeats what was written in private: “daughter Mia is in St Mary's hospital”. Everybody could read it."
    with pytest.raises(ShowsPersonalData, match=told):
        mind(store, file, "We are sorry that your daughter Mia is in St Mary's hospital.")
    mind(store, file, "We are sorry to hear that, and hope that she is well soon. Your refund is on its way.")


def test_a_draft_that_repeats_our_own_private_words_is_refused_too(store: Store, talked: OnRecord) -> None:
    with pytest.raises(ShowsPersonalData, match="“we send the engineer to your sister in Leeds”"):
        mind(store, store.reader.file(talked.case_id), "Shall we send the engineer to your sister in Leeds?")


@pytest.fixture
def acting(store: Store) -> Iterator[Acting]:
    """What people do; nobody here commands a case."""
    with ThreadPoolExecutor(2) as threads:
        yield Acting(store, cast("CaseGateway", None), threads, REAL_TIME)


@pytest.mark.parametrize("saying", ["ask", "update", "resolve"])
def test_a_draft_that_shows_personal_data_is_refused_with_the_reason(acting: Acting, case: OnRecord, saying: Saying) -> None:
    told = "Your text shows what looks like an e-mail address. Everybody could read it. Take it out, or write in private."
    with pytest.raises(ShowsPersonalData) as refused:
        asyncio.run(acting.draft(case.case_id, saying, "Is sam.okafor@mail.example your address?", ANA))
    assert str(refused.value) == told
    assert "your address" in asyncio.run(acting.draft(case.case_id, saying, "Is it still your address?", ANA)).text


# --- what everybody can read ------------------------------------------------------------------------------------------

SHOWING = "You charged me twice! Ring me at +44 7700 900123, it is about MM-1234567."
MASKED = "You charged me twice! Ring me at •••• 123, it is about •••• 567."


def test_what_a_public_post_shows_is_on_record_by_its_kinds_alone(store: Store) -> None:
    case = OnRecord.opened(store, text=SHOWING)
    case.comes(created("p2", in_reply_to="p1", text="Again: sam.okafor@mail.example"))
    case.comes(created("p3", in_reply_to="p1", text="Your own number 0800 496 0000 is engaged."))
    case.comes(whisper(text=SHOWING))
    seen = [entry.event for _, entry in store.records.history(case.case_id) if isinstance(entry.event, e.PersonalDataSeen)]
    assert [(one.post, one.what) for one in seen] == [("p1", ("phone", "order")), ("p2", ("e_mail",))]
    assert "900123" not in str([entry for _, entry in store.records.history(case.case_id)])


def test_slacks_list_of_cases_is_masked_and_the_consoles_is_whole(store: Store) -> None:
    OnRecord.opened(store, text=SHOWING)
    assert [row.words for row in store.reader.listed(Wanted())] == [MASKED]
    assert [row.words for row in store.reader.cases(only_open=True, before=None)] == [SHOWING]


def test_the_customer_can_be_asked_to_remove_what_their_post_shows(store: Store, acting: Acting) -> None:
    case = OnRecord.opened(store, text=SHOWING)
    store.people.remember(ANA.person, "Ana Silva", "Ana")
    seq = next(seq for seq, entry in store.records.history(case.case_id) if isinstance(entry.event, e.PersonalDataSeen))
    draft = asyncio.run(acting.draft_removal(case.case_id, seq, ANA))
    assert draft.text.startswith("Hi Sam,")
    assert "a phone number and an order number" in draft.text
    assert draft.text.endswith("– Ana")
    assert (draft.parts, draft.promise) == ((draft.text,), None)
    case.comes({"type": "post.deleted", "brand": "meridian", "data": {"id": "p1", "deleted_at": datetime.now(UTC).isoformat()}})
    with pytest.raises(NothingShown, match="has removed this post meanwhile"):
        asyncio.run(acting.draft_removal(case.case_id, seq, ANA))
    with pytest.raises(NothingShown, match="event 1 of the case"):
        asyncio.run(acting.draft_removal(case.case_id, 1, ANA))


# --- hours ------------------------------------------------------------------------------------------------------------

FRIDAY_EVENING = datetime(2026, 3, 6, 19, 30, tzinfo=UTC)
SATURDAY = FRIDAY_EVENING + timedelta(hours=14)
MONDAY_EVENING = FRIDAY_EVENING + timedelta(days=3)


def by_the_clock_of(moment: datetime) -> Pace:
    """A pace by which it is that moment now, whatever the wall clock shows."""
    origin = datetime.now(UTC) - timedelta(days=3000)
    return Pace((moment - origin) / timedelta(days=3000), origin)


@pytest.fixture
def office(database: str, open_store: Callable[[], Store]) -> Iterator[Callable[[datetime], Store]]:
    """Opens the store, with the shipped policy and its calendars in force, at a moment of the loop's time."""
    open_store().book.activate(SHIPPED, WORDING, by="tests")
    opened: list[Store] = []

    def at(moment: datetime) -> Store:
        pace = by_the_clock_of(moment)
        opened.append(Store.open(database, pool=4, keyring=KEYS, index_key=INDEX_KEY, pace=pace, name="tests"))
        return opened[-1]

    yield at
    for store in opened:
        store.close()


def acknowledged(store: Store, moment: datetime, post: str, **data: object) -> str:
    """What a customer reads who posts at that moment."""
    square = Square()
    case = OnRecord.opened(store, post, **data)
    case.pace = by_the_clock_of(moment)
    case.publish(Publisher(store.ledger, store.composer, {"x": square}, HASTE))
    (reply,) = square.posts
    return reply.text


def test_who_complains_on_a_friday_evening_hears_when_people_are_back_and_where_help_is(office: Callable[[datetime], Store]) -> None:
    store = office(FRIDAY_EVENING)
    author = {"id": "9", "handle": "bc", "name": "Bartholomew-Christia Featherstonehaugh"}
    said = acknowledged(store, FRIDAY_EVENING, "p1", author=author)
    assert said.startswith("Hi Bartholomew-Christia, ")
    assert "sorry" in said
    assert "09:00 GMT on Monday" in said
    assert "https://help.example.com" in said
    assert length(said, "x") <= 280


def test_each_customer_is_told_once_in_each_closure_of_a_department(office: Callable[[datetime], Store], database: str) -> None:
    store = office(FRIDAY_EVENING)
    back = "09:00 GMT on Monday"
    acknowledged(store, FRIDAY_EVENING, "p0", text="What a lovely shop, thank you!")
    assert rows(database, "select count(*) from hours_told") == [0], "praise is not told, and uses nothing up"
    assert back in acknowledged(store, FRIDAY_EVENING, "p1")
    assert back not in acknowledged(store, FRIDAY_EVENING, "p2"), "told already"
    assert back in acknowledged(store, FRIDAY_EVENING, "p3", author=MIRA), "somebody else"
    assert back not in acknowledged(office(SATURDAY), SATURDAY, "p4"), "it is still the same closure"
    monday = acknowledged(office(MONDAY_EVENING), MONDAY_EVENING, "p5")
    assert "09:00 GMT tomorrow" in monday, "another closure"
    at_work = acknowledged(office(MONDAY_EVENING.replace(hour=11)), MONDAY_EVENING.replace(hour=11), "p6", author=MIRA)
    assert "09:00" not in at_work


def test_a_question_is_told_in_its_own_words(office: Callable[[datetime], Store]) -> None:
    said = acknowledged(office(SATURDAY), SATURDAY, "p1", text="How do I pay my bill online?")
    assert "sorry" not in said
    assert "09:00 GMT on Monday" in said
