"""Requests that are carried out once: under which key of whose what was asked, and, where it may be kept, what was answered."""

from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = """
set role loopkeeper_owner;

create table request_once (
  person text not null,
  key_hash bytea not null,
  body_hash bytea not null,
  state text not null default 'begun' check (state in ('begun', 'done')),
  answer jsonb,
  asked_at timestamptz not null default clock_timestamp(),
  primary key (person, key_hash)
);
create index request_once_by_age on request_once (asked_at);
comment on table request_once is 'Idempotency keys of the last day. body_hash: keyed, of what was asked, so that nobody can tell from it what somebody wrote. answer: ids and facts alone; no words, names or secrets.';

grant select, insert, delete on request_once to loopkeeper_app;
grant update (state, answer) on request_once to loopkeeper_app;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
