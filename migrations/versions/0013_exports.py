"""Exports that people ask for over the console and the API: what is sought, and how far it is. What is exported is not kept."""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = """
set role loopkeeper_owner;

create table export (
  id uuid primary key default gen_random_uuid(),
  asked_by text not null,
  asked_at timestamptz not null default clock_timestamp(),
  form text not null,
  with_words boolean not null,
  since bigint,
  sought text not null,
  filter bytea not null,
  of_somebody boolean not null,
  state text not null default 'asked' check (state in ('asked', 'running', 'done', 'failed', 'cancelled')),
  claim int not null default 0,
  cases bigint,
  events bigint,
  unsealed bigint,
  size bigint,
  written bigint not null default 0,
  bytes bigint not null default 0,
  heard_at timestamptz,
  problem text
);
create index exports_by_age on export (asked_at);
comment on table export is 'Exports that somebody asked for, for a day. filter: sealed with the installation''s keyring, because it can name a customer or what was written (of_somebody). claim: fences a download that was overtaken by another of the same export. heard_at: when whoever sends it last told how far it is.';

grant select, insert, delete on export to loopkeeper_app;
grant update (state, claim, cases, events, unsealed, size, written, bytes, heard_at, problem) on export to loopkeeper_app;
grant select (of_somebody, with_words), delete on export to loopkeeper_privacy;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
