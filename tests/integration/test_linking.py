"""Linking identities across channels: by hand or on the brand's own accounts alone, once, on record, and undone whole."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from adapters.postgres.store import Store
from domain import commands as c
from domain.identities import CannotLink, How, NoSuchCustomer
from domain.values import SYSTEM, Actor
from tests.integration.linked import BEN, MAYA, OTHER_BRAND, WHY, linked, two_brands, who, writes
from tests.integration.onrecord import OnRecord
from tests.integration.opened import created, place


def on_record(store: Store) -> list[object]:
    return [entry.event for _, _, entry in store.journal.entries() if entry.event.kind.startswith("customers_")]


def refused(store: Store, one: str, other: str, reason: str = WHY) -> str:
    with pytest.raises(CannotLink) as error:
        store.linking.link(one, other, reason, BEN)
    return error.value.code


def test_two_identities_that_somebody_links_are_one_customer_from_either_side(store: Store) -> None:
    sam, samo, stranger = writes(store, "sam"), writes(store, "samo", "facebook"), writes(store, "sammy", "facebook")
    assert linked(store, sam) == {sam}
    store.linking.link(sam, samo, WHY, MAYA)
    assert linked(store, sam) == linked(store, samo) == {sam, samo}
    assert linked(store, stranger) == {stranger}
    shown = store.identities.shown(sam, None)
    assert [(one.id, one.channel, one.handle) for one in shown.identities] == [(sam, "x", "sam"), (samo, "facebook", "samo")]
    assert {(row.case_id, row.channel) for row in shown.cases} == {
        ("meridian-x-sam.x", "x"),
        ("meridian-facebook-samo.facebook", "facebook"),
    }
    told = shown.identities[1].linked
    assert told is not None
    assert (told.how, told.by, told.role, told.reason) == (How.BY_HAND, MAYA.person, "social", WHY)


def test_that_they_were_linked_and_unlinked_is_on_record_with_who_and_why_and_nothing_personal(store: Store) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    store.linking.link(sam, samo, WHY, MAYA)
    store.linking.unlink(samo, sam, "two people of one family", BEN)
    made, undone = [entry for _, _, entry in store.journal.entries() if entry.event.kind.startswith("customers_")]
    assert (made.event.kind, made.by, made.event.customers, made.event.added) == ("customers_linked", MAYA, (sam, samo), samo)  # type: ignore[union-attr]
    assert (undone.event.kind, undone.by, undone.event.customer, undone.event.left) == ("customers_unlinked", BEN, sam, ())  # type: ignore[union-attr]
    assert (made.event.reason, undone.event.reason) == (WHY, "two people of one family")  # type: ignore[union-attr]
    for entry in (made, undone):
        assert not {"sam", "okafor", "id-"} & set(entry.document.casefold().split('"'))


def test_whoever_is_called_the_same_is_never_linked_by_that(store: Store) -> None:
    sam, other = writes(store, "sam"), writes(store, "sam", "facebook")
    assert (linked(store, sam), linked(store, other)) == ({sam}, {other})
    assert {one.id for one in store.identities.find("@SAM", None, None)} == {sam, other}, "but both are found by it"


def test_taking_one_out_leaves_the_others_linked_and_shows_nothing_of_it_at_them_nor_of_them_at_it(store: Store) -> None:
    sam, samo, sms = writes(store, "sam"), writes(store, "samo", "facebook"), writes(store, "sms", "phone")
    store.linking.link(sam, samo, WHY, MAYA)
    store.linking.link(samo, sms, WHY, MAYA)
    assert linked(store, sam) == {sam, samo, sms}
    store.linking.unlink(sam, samo, "a mistake", BEN)
    assert linked(store, samo) == {samo}
    assert linked(store, sam) == linked(store, sms) == {sam, sms}
    for one, other in ((samo, {"sam.x", "sms.phone"}), (sam, {"samo.facebook"}), (sms, {"samo.facebook"})):
        posts = {row.case_id.split("-", 2)[2] for row in store.identities.shown(one, None).cases}
        assert not posts & other
    store.linking.unlink(sms, sam, "a mistake", BEN)
    with store.engine.connect() as connection:
        assert connection.execute(text("select count(*) from identity_link")).scalar_one() == 0, "as if they had never been linked"


def test_what_makes_no_sense_is_refused_with_its_reason(store: Store) -> None:
    two_brands(store)
    sam, samo, sms, app = (writes(store, *at) for at in (("sam", "x"), ("samo", "facebook"), ("sms", "phone"), ("app", "phone")))
    other_brand = writes(store, "samsam", brand=OTHER_BRAND)
    assert refused(store, sam, sam) == refused(store, sam, sam.upper()) == "itself"
    assert refused(store, sam, samo, " ") == "no_reason"
    assert refused(store, sam, samo, "it is Sam, he said") == "reason_names_them"
    assert refused(store, sam, samo, "x" * 501) == refused(store, sam, samo, "a\nb") == "unfit_reason"
    assert refused(store, sam, other_brand) == "other_brand"
    store.linking.link(sam, samo, WHY, MAYA)
    assert refused(store, sam, samo) == refused(store, samo, sam) == "linked_already"
    store.linking.link(sms, app, WHY, MAYA)
    assert refused(store, sam, sms) == "both_linked"
    for nobody in ("nobody", "0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90", "", "\0", "{}"):
        for pair in ((sam, nobody), (nobody, sam)):
            with pytest.raises(NoSuchCustomer):
                store.linking.link(*pair, WHY, MAYA)
    with pytest.raises(CannotLink) as error:
        store.linking.unlink(sam, sms, WHY, MAYA)
    assert error.value.code == "not_linked"
    assert len(on_record(store)) == 2, "what was refused is not on record"


def test_the_same_command_again_changes_nothing(store: Store) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    for _ in range(2):
        assert {one.id for one in store.linking.link(sam, samo, WHY, MAYA, command="k1")} == {sam, samo}
    assert len(on_record(store)) == 1


def test_of_two_people_who_link_at_once_one_does_it_and_the_other_is_told_who(store: Store) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    store.people.remember(MAYA.person, "Maya Chen", "Maya")
    store.people.remember(BEN.person, "Ben Alder", "Ben")
    at_once = threading.Barrier(2)

    def tries(one: str, other: str, by: Actor) -> CannotLink | None:
        at_once.wait()
        try:
            store.linking.link(one, other, WHY, by)
        except CannotLink as error:
            return error
        return None

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(tries, (sam, samo), (samo, sam), (MAYA, BEN)))
    (told,) = [answer for answer in answers if answer is not None]
    assert told.code == "linked_already"
    assert f"already, by {'Ben Alder' if answers[0] else 'Maya Chen'} on" in str(told)
    assert len(on_record(store)) == 1


def test_who_decides_on_what_has_changed_meanwhile_is_told_so(store: Store) -> None:
    sam, samo, sms = writes(store, "sam"), writes(store, "samo", "facebook"), writes(store, "sms", "phone")
    store.linking.link(sam, samo, WHY, MAYA)
    with pytest.raises(CannotLink) as error:
        store.linking.link(sam, sms, WHY, BEN, seen=[sam, sms])
    assert error.value.code == "changed_meanwhile"
    store.linking.link(sam, sms, WHY, BEN, seen=[sms, sam, samo])


def test_the_database_itself_lets_an_identity_be_of_one_customer_alone(store: Store) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    store.linking.link(sam, samo, WHY, MAYA)
    insert = text(
        "insert into identity_link (subject_id, customer, how, reason, linked_by, role) "
        "values (:id, uuidv7(), 'by_hand', 'x', 'p', 'social')"
    )
    with pytest.raises(IntegrityError), store.engine.begin() as connection:
        connection.execute(insert, {"id": sam})


# --- the brand's own accounts -----------------------------------------------------------------------------------------


def test_who_was_signed_in_to_the_same_account_of_the_brand_is_linked_by_itself(store: Store) -> None:
    sam = writes(store, "sam", account="C-4711")
    samo, other = writes(store, "samo", "facebook", account="C-4711"), writes(store, "other", "facebook", account="C-4712")
    assert linked(store, samo) == {sam, samo}
    assert linked(store, other) == {other}
    (entry,) = [entry for _, _, entry in store.journal.entries() if entry.event.kind == "customers_linked"]
    assert (entry.by, entry.cause) == (SYSTEM, "signed in")
    told = store.identities.shown(sam, None).identities[1].linked
    assert told is not None
    assert told.how is How.SIGNED_IN


def test_the_account_is_nowhere_in_clear(store: Store) -> None:
    writes(store, "sam", account="C-4711-secret")
    with store.engine.connect() as connection:
        for table in ("identity_account", "subject", "words", "cases", "post", "inbound", "case_event"):
            whole = str(connection.execute(text(f"select * from {table}")).all())
            assert "4711" not in whole, table


def test_an_account_of_another_brand_is_another_account(store: Store) -> None:
    two_brands(store)
    sam = writes(store, "sam", account="C-1")
    writes(store, "samo", "facebook", brand=OTHER_BRAND, account="C-1")
    assert linked(store, sam) == {sam}


def test_who_was_taken_out_by_a_person_is_not_linked_again_by_being_signed_in(store: Store) -> None:
    sam, samo = writes(store, "sam", account="C-1"), writes(store, "samo", "facebook", account="C-1")
    store.linking.unlink(sam, samo, "they share the account", MAYA)
    writes(store, "samo", "facebook", "again", account="C-1")
    sms = writes(store, "sms", "phone", account="C-1")
    assert linked(store, samo) == {samo}
    assert linked(store, sms) == {sam, sms}
    store.linking.link(sam, samo, WHY, MAYA)
    assert linked(store, samo) == {sam, samo, sms}, "people may still link them"


def test_two_customers_are_not_merged_by_an_account_and_the_first_account_counts(store: Store) -> None:
    writes(store, "sam", account="C-1")
    friend = writes(store, "friend", "facebook")
    writes(store, "sam", post="p2", account="C-2")
    other = writes(store, "other", "facebook", account="C-2")
    assert linked(store, other) == {other}
    later, partner = writes(store, "later", "phone"), writes(store, "partner", "facebook")
    store.linking.link(later, partner, WHY, MAYA)
    writes(store, "later", "phone", "p3", account="C-1")
    assert linked(store, later) == {later, partner}, "who is linked already is left to people"
    assert linked(store, friend) == {friend}


def test_of_two_first_posts_at_once_from_one_account_both_are_linked(store: Store) -> None:
    at_once = threading.Barrier(2)

    def post(handle: str, channel: str) -> str:
        at_once.wait()
        return writes(store, handle, channel, account="C-9")

    with ThreadPoolExecutor(2) as threads:
        sam, samo = threads.map(post, ("sam", "samo"), ("x", "facebook"))
    assert linked(store, sam) == {sam, samo}


# --- what a link leaves alone -----------------------------------------------------------------------------------------


def test_a_link_moves_no_reply_to_another_channel_and_changes_no_case(store: Store) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    before = {case: store.records.chain(case) for case in ("meridian-x-sam.x", "meridian-facebook-samo.facebook")}
    store.linking.link(sam, samo, WHY, MAYA)
    author = {"id": "id-samo", "handle": "samo", "name": "Samo Okafor"}
    again = place(store, created("f2", author=author, text="Are you there?"), channel="facebook")
    assert again is not None
    assert (again.case_id, again.channel) == ("meridian-facebook-f2", "facebook"), "a case of its own, where it was written"
    opened = again.message
    assert getattr(opened, "earlier_case", None) is None, "and not linked with what is on another channel"
    whisper = created("w1", author=author, visibility="private", text="My number is 0170 1234567")
    private = place(store, whisper, channel="facebook")
    assert private is not None
    assert private.case_id == "meridian-facebook-f2", "a private message is never put with another channel's case"
    assert {case: store.records.chain(case) for case in before} == before, "nothing has happened to the cases themselves"
    with store.engine.connect() as connection:
        posts = connection.execute(
            text("select p.channel, k.channel as of_case, p.subject_id = k.subject_id as own from post p join cases k using (case_id)")
        )
        assert all(row.channel == row.of_case and row.own for row in posts)


def test_a_case_knows_of_open_ones_of_linked_identities_by_their_channel_alone(store: Store) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    writes(store, "sam", post="second")
    assert store.reader.file("meridian-x-sam.x").elsewhere == (), "nothing is told of whoever is linked with nobody"
    store.linking.link(sam, samo, WHY, MAYA)
    assert store.reader.file("meridian-x-sam.x").elsewhere == ("facebook", "x")
    OnRecord(store, "meridian-facebook-samo.facebook").command(c.Dismiss, "spam")
    assert store.reader.file("meridian-x-sam.x").elsewhere == ("x",)
    store.linking.unlink(sam, samo, "a mistake", MAYA)
    assert store.reader.file("meridian-x-sam.x").elsewhere == ()


def test_through_a_link_a_brand_sees_nothing_of_what_was_said_to_another(store: Store) -> None:
    two_brands(store)
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    writes(store, "samo", "facebook", "b2", brand=OTHER_BRAND)
    store.linking.link(sam, samo, WHY, MAYA)
    assert set(store.reader.file("meridian-x-sam.x").elsewhere) == {"facebook"}
    assert len(store.reader.file("meridian-x-sam.x").elsewhere) == 1
    assert {row.case_id for row in store.board.of_the_same_customer("meridian-x-sam.x", None)} == {"meridian-facebook-samo.facebook"}
    assert {row.brand for row in store.identities.shown(sam, None).cases} == {"meridian"}
    assert {row.brand for row in store.identities.shown(samo, None).cases} == {"meridian", OTHER_BRAND}


def test_a_department_sees_its_own_cases_and_who_has_none_of_them_is_not_there(store: Store) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook", text="My internet is broken, and nobody is there.")
    store.linking.link(sam, samo, WHY, MAYA)
    theirs = {row.case_id: row.department for row in store.identities.shown(sam, None).cases}
    mine = theirs["meridian-x-sam.x"]
    assert set(theirs.values()) != {mine}, "the two are with different departments"
    shown = store.identities.shown(sam, frozenset({mine}))
    assert ([one.id for one in shown.identities], [row.case_id for row in shown.cases]) == ([sam], ["meridian-x-sam.x"])
    assert shown.figures.cases == 1
    with pytest.raises(NoSuchCustomer):
        store.identities.shown(samo, frozenset({mine}))
    assert store.identities.find("samo", "facebook", frozenset({mine})) == []


def test_a_customer_is_found_by_the_whole_handle_and_by_id_and_by_nothing_less(store: Store) -> None:
    from adapters.postgres.indexing import Indexer

    sam = writes(store, "sam")
    for _ in range(2):  # before the search knows of the case, and after
        assert [one.id for one in store.identities.find(" @Sam ", "x", None)] == [sam]
        assert [one.id for one in store.identities.find("id-sam", "x", None)] == [sam]
        for wrong in ("sa", "sam okafor", "okafor", "", "@", "\0"):
            assert store.identities.find(wrong, "x", None) == []
        assert store.identities.find("sam", "facebook", None) == []
        while Indexer(store.engine, store.vault).index():
            pass
    assert who(store, "sam", "x").cases == 1
