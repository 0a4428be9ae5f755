"""The console: what has changed is told by id, what the board and the inbox look for is found by an index, people keep their views."""

from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = """
set role loopkeeper_owner;

create index cases_by_change on cases (updated_at);

create function tell_console() returns trigger language plpgsql as $$
begin
  perform pg_notify('loopkeeper_case', coalesce(new.case_id, old.case_id));
  return null;
end $$;
comment on function tell_console is 'Says the id of a case that looks different now, and nothing else of it. Who missed it finds it by updated_at.';
create trigger case_is_shown after insert or update on cases for each row execute function tell_console();
create trigger writing_is_shown after insert or delete on draft for each row execute function tell_console();
create trigger writing_again_is_shown after update on draft for each row
  when (old.until < clock_timestamp()) execute function tell_console();

create table console_view (
  person text not null,
  name text not null,
  query text not null,
  kept_at timestamptz not null default clock_timestamp(),
  primary key (person, name)
);
comment on table console_view is 'Views of the board that somebody keeps: a name for what stands behind the question mark.';

grant select, insert, update, delete on console_view to loopkeeper_app;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
