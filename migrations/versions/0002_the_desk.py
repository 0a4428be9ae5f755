"""The desk: public holidays of a policy version, who is writing, what customers were told about hours, what is private, what admins know."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = """
set role loopkeeper_owner;

alter table policy_version add column holidays jsonb not null default '{}';
comment on column policy_version.holidays is 'The dates of public holidays by calendar, as they were known when the version was first put in force.';

alter table cases add column stalled_at timestamptz;
create index open_cases_of_owner on cases (owner, due_at) where closed_at is null and ended is null;
create index desk_cards_by_thread on desk_card (slack_channel, ts);
alter table words add column private boolean not null default false;
comment on column words.private is 'Written in private: shown to those who have the right, and never part of a public reply.';

create table hours_told (
  subject_id uuid not null references subject,
  department text not null,
  opens_at timestamptz not null,
  primary key (subject_id, department, opens_at)
);
comment on table hours_told is 'Which customers were told when a department is back, once in each of its closures.';

create table draft (
  case_id text not null,
  person text not null,
  saying text not null,
  until timestamptz not null,
  primary key (case_id, person)
);
comment on table draft is 'Who is writing to a customer now; a lease of a few minutes.';

create table slack_place (
  name text primary key,
  channel text not null
);
comment on table slack_place is 'The id of each Slack channel that the policy names, so that a channel that is renamed is found again.';

create table notice (
  key text primary key,
  about text not null,
  first_at timestamptz not null default clock_timestamp(),
  told_at timestamptz
);
comment on table notice is 'What admins were told is wrong: once, until it is well again.';

grant select, insert on hours_told, draft, slack_place, notice to loopkeeper_app;
grant update, delete on draft, slack_place, notice to loopkeeper_app;
grant select (holidays), insert (holidays) on policy_version to loopkeeper_app;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
