"""What cases are found by: keyed hashes of their terms, kept up by an indexer that follows the log."""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = """
set role loopkeeper_owner;

create table case_search (
  case_id text primary key,
  number bigint not null,
  opened_at timestamptz not null,
  events int not null,
  facets bigint[] not null,
  words bigint[] not null
);
comment on table case_search is 'What each case can be found by. facets: keyed hashes of facts of its history, and its slice as -1 - slice; words: keyed hashes of what was written in it and of its customer''s name, emptied when they are erased. Made from the history, and can be made again.';
create index case_search_terms on case_search using gin (facets, words) with (fastupdate = off);
create unique index case_search_by_number on case_search (number);

create table search_slice (
  slice int primary key,
  first_opened timestamptz not null,
  last_opened timestamptz not null,
  first_recorded_us bigint not null,
  last_recorded_us bigint not null
);
comment on table search_slice is 'Stretches of 16,384 case numbers, by which a search goes back in time: when their cases were opened and their events recorded.';

create table search_progress (
  one boolean primary key default true check (one),
  leaf bigint not null
);
comment on table search_progress is 'Up to which leaf of the log the search knows of events.';
insert into search_progress (leaf) values (-1);

grant select, insert, update, delete on case_search, search_slice to loopkeeper_app;
grant select, update on search_progress to loopkeeper_app;
grant select on case_search, search_slice, search_progress to loopkeeper_auditor;
grant select, update on case_search to loopkeeper_privacy;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
