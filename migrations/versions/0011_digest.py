"""The weekly digest: who reads it, how, when, and where it is sent once they have confirmed that it is theirs."""

from alembic import op

revision = "0011"
down_revision = "0010"

TABLES = """
set role loopkeeper_owner;

create table digest_choice (
  id text primary key,
  person text not null unique,
  way text check (way in ('mail', 'slack')),
  address bytea,
  weekday smallint not null default 1 check (weekday between 1 and 7),
  hour smallint not null default 8 check (hour between 0 and 23),
  zone text not null default 'UTC',
  department text,
  chosen_at timestamptz not null,
  confirmed_at timestamptz,
  asked int not null default 0,
  asked_on date,
  asked_that_day int not null default 0,
  last_week date,
  constraint whoever_reads_it_has_an_address check ((way is null) = (address is null)),
  constraint only_an_address_is_confirmed check (confirmed_at is null or address is not null)
);
comment on table digest_choice is 'Readers of the weekly digest. address: an e-mail address or a Slack user, sealed with the installation''s keyring and gone with the choice. asked: how often a confirmation was asked for; the row stays, so that this is not forgotten. last_week: the Monday of the week that the newest one was for.';

grant select, insert, update on digest_choice to loopkeeper_app;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
