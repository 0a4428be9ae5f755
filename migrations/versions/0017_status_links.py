"""Links to status pages that were withdrawn."""

from alembic import op

revision = "0017"
down_revision = "0016"

TABLES = """
set role loopkeeper_owner;

create table status_link (
  case_id text primary key,
  withdrawn int not null check (withdrawn between 1 and 100),
  withdrawn_at timestamptz not null default clock_timestamp()
);
comment on table status_link is 'How often the link to a case''s status page was withdrawn: each time the next one is made, and those before hold no more. A case that is not here has its first.';

grant select, insert, update on status_link to loopkeeper_app;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
