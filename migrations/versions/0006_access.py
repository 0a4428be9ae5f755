"""Access: sessions, and keys with scopes, departments and an end."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = """
set role loopkeeper_owner;

alter table api_key
  add column scopes text[],
  add column departments text[] not null default '{}',
  add column expires_at timestamptz,
  add column made_by text;
create unique index api_key_by_hash on api_key (key_hash);
comment on table api_key is 'Keys of programs, and of people who sign in with one. scopes: the rights that a key is narrowed to, null when it has all of its role.';

create table session (
  id uuid primary key default uuidv7(),
  token_hash bytea not null unique,
  person text not null,
  name text not null,
  role text not null,
  departments text[] not null,
  scopes text[],
  way text not null,
  key_id text references api_key,
  signed_in_at timestamptz not null default clock_timestamp(),
  proved_at timestamptz,
  seen_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_by text,
  address text not null,
  browser text not null
);
create index session_of_person on session (person) where ended_at is null;
create index session_by_end on session (expires_at);
comment on table session is 'Who is signed in at the console. token_hash: of what the cookie holds, so that a copy of the table lets nobody in.';

revoke update on api_key from loopkeeper_app;
grant update (last_used_at, revoked_at) on api_key to loopkeeper_app;
grant select, insert, delete on session to loopkeeper_app;
grant update (seen_at, ended_at, ended_by) on session to loopkeeper_app;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
