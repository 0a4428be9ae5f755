"""Webhooks out: who subscribed to which events, what is to be delivered to them, and how far the log was read for that."""

from alembic import op

revision = "0009"
down_revision = "0008"

TABLES = """
set role loopkeeper_owner;

create table webhook (
  id text primary key,
  url text not null,
  events text[],
  brands text[],
  description text not null default '',
  active boolean not null default true,
  secret bytea,
  secret_before bytea,
  before_until timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  revoked_at timestamptz,
  constraint a_revoked_one_has_no_secret check ((revoked_at is null) = (secret is not null))
);
comment on table webhook is 'Subscriptions to what happens to cases. events, brands: null for all. Secrets are sealed with the installation''s keyring; the one before signs as well until before_until.';

create table webhook_delivery (
  number bigint generated always as identity primary key,
  webhook_id text not null references webhook,
  event_id text not null,
  case_id text,
  kind text not null,
  body text not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'dead', 'dropped')),
  attempts int not null default 0,
  claim int not null default 0,
  due_at timestamptz not null,
  status int,
  problem text,
  created_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  unique (webhook_id, event_id),
  constraint what_is_over_says_since_when check ((state = 'pending') = (settled_at is null))
);
create index deliveries_due on webhook_delivery (webhook_id, due_at, number) where state = 'pending';
create index deliveries_of_case on webhook_delivery (webhook_id, case_id, number) where state = 'pending';
create index deliveries_newest_first on webhook_delivery (webhook_id, number desc);
create index deliveries_settled on webhook_delivery (settled_at) where settled_at is not null;
comment on table webhook_delivery is 'One event for one subscription: the exact body, and what became of it. due_at: the next try; while one is being made, when it counts as lost. claim: fences the outcome of a try that was overtaken.';

create table webhook_progress (
  one boolean primary key default true check (one),
  leaf bigint not null
);
insert into webhook_progress (leaf) select coalesce(max(leaf), -1) from log_leaf;
comment on table webhook_progress is 'The last leaf of the log that deliveries were made of.';

grant select, insert on webhook, webhook_delivery to loopkeeper_app;
grant update (url, events, brands, description, active, secret, secret_before, before_until, revoked_at) on webhook to loopkeeper_app;
grant update (state, attempts, claim, due_at, status, problem, settled_at), delete on webhook_delivery to loopkeeper_app;
grant select, update (leaf) on webhook_progress to loopkeeper_app;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
