"""Shared causes: many cases, one root cause, and what is announced to all of them."""

from alembic import op

revision = "0016"
down_revision = "0015"

TABLES = """
set role loopkeeper_owner;

create table cause (
  number bigint generated always as identity primary key,
  name text not null,
  about bytea not null,
  category text,
  department text not null,
  opened_at timestamptz not null default clock_timestamp(),
  opened_by text not null,
  resolved_at timestamptz
);
comment on table cause is 'One root cause that many cases share. about: the team''s own words, sealed with the installation''s keyring.';
alter table cases add column cause bigint;
create index cases_of_cause on cases (cause) where cause is not null;

create table announcement (
  number bigint generated always as identity primary key,
  cause bigint not null references cause,
  key text not null unique,
  what text not null check (what in ('update', 'resolve')),
  root_cause text,
  body bytea not null,
  why text[] not null default '{}',
  state text not null default 'draft' check (state in ('draft', 'waiting', 'sent', 'rejected')),
  author text not null,
  author_role text not null,
  author_via text not null,
  made_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  settled_by text,
  reason bytea,
  constraint what_is_settled_says_by_whom check ((state in ('sent', 'rejected')) = (settled_by is not null))
);
create index announcements_of_cause on announcement (cause, number desc);
comment on table announcement is 'One text to the customers of all cases of a cause. body: what a person wrote, sealed; why: what a second person must look at.';

create table announcement_case (
  announcement bigint not null references announcement,
  case_id text not null references cases,
  words uuid references words,
  promise timestamptz,
  turn int not null,
  held text,
  primary key (announcement, case_id),
  constraint it_is_said_or_held_back check ((words is null) = (held is not null))
);
comment on table announcement_case is 'Exactly what one case says of an announcement, or why it was held back when the text was made. What became of it stands in the case''s history.';

grant select, insert on cause, announcement, announcement_case to loopkeeper_app;
grant update (resolved_at) on cause to loopkeeper_app;
grant update (state, settled_at, settled_by, reason) on announcement to loopkeeper_app;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
