"""Merging: which case another one was merged into."""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = """
set role loopkeeper_owner;

alter table cases add column merged_into text references cases;
create index cases_merged_into on cases (merged_into) where merged_into is not null;
comment on column cases.merged_into is 'The case that this one goes on in. What arrives in its thread is told to that one.';
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
