"""Identities that are one customer: who linked them and why, and the brand's own accounts that they were signed in to."""

from alembic import op

revision = "0010"
down_revision = "0009"

TABLES = """
set role loopkeeper_owner;

create table identity_link (
  subject_id uuid primary key references subject,
  customer uuid not null,
  how text not null check (how in ('by_hand', 'signed_in')),
  reason text not null,
  linked_by text not null,
  role text not null,
  linked_at timestamptz not null default clock_timestamp(),
  command text,
  constraint people_say_why check (how = 'signed_in' or reason <> '')
);
create index identities_of_customer on identity_link (customer);
comment on table identity_link is 'Identities that are the same person: all of one customer. An identity is of one customer at most, and who is alone has no row.';

create table identity_account (
  brand text not null,
  subject_id uuid not null references subject,
  account_hash bytea not null,
  seen_at timestamptz not null default clock_timestamp(),
  parted_at timestamptz,
  primary key (brand, subject_id)
);
create index identities_of_account on identity_account (brand, account_hash);
create index accounts_of_identity on identity_account (subject_id);
comment on table identity_account is 'The first of the brand''s own accounts that an identity was signed in to, as a keyed hash. parted_at: somebody has unlinked the identity, and nothing links it by itself any more.';

create function only_link_who_is_there() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform 1 from subject where id = new.subject_id and erased_at is null for key share;
  if not found then
    raise exception 'customer % was erased: nothing leads to them any more', new.subject_id using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger only_who_is_there_is_linked before insert on identity_link for each row execute function only_link_who_is_there();
create trigger only_who_is_there_signs_in before insert on identity_account for each row execute function only_link_who_is_there();

-- Whoever erases, and for whatever reason: nothing leads from an erased customer to another identity, also after a restore.
create function forget_links() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare theirs uuid;
begin
  delete from identity_account where subject_id = new.id;
  select customer into theirs from identity_link where subject_id = new.id;
  if found then
    perform 1 from identity_link where customer = theirs order by subject_id for update;
    delete from identity_link where subject_id = new.id;
    delete from identity_link where customer = theirs and (select count(*) from identity_link where customer = theirs) = 1;
  end if;
  return null;
end $$;
create trigger links_go_with_their_customer after update on subject for each row
  when (old.erased_at is null and new.erased_at is not null) execute function forget_links();

grant select, insert, delete on identity_link to loopkeeper_app;
grant update (customer) on identity_link to loopkeeper_app; -- without it the rows could not be locked
grant select, insert on identity_account to loopkeeper_app;
grant update (parted_at) on identity_account to loopkeeper_app;
grant select on identity_link, identity_account to loopkeeper_privacy;

-- Handles are found whole from now on: what is searched is made anew, in the background.
update search_progress set leaf = -1;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
