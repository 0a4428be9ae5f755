"""Languages: in which one, and in which zone, each colleague reads pages."""

from alembic import op

revision = "0014"
down_revision = "0013"

TABLES = """
set role loopkeeper_owner;

create table reader (
  person text primary key,
  language text,
  zone text,
  changed_at timestamptz not null default clock_timestamp()
);
comment on table reader is 'How colleagues read pages: the language and the IANA zone that they keep; null for what the browser asks for, and the brand''s zone.';

grant select, insert, update on reader to loopkeeper_app;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
