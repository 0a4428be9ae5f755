"""Cases, their histories, the words of people, the ledger of effects, what came in, and the roles that may touch them."""

from alembic import op

revision = "0001"
down_revision = None

ROLES = """
do $$
declare wanted text;
begin
  foreach wanted in array array['loopkeeper_owner', 'loopkeeper_app'] loop
    if not exists (select 1 from pg_roles where rolname = wanted) then
      execute format('create role %I nologin', wanted);
    end if;
    if not pg_has_role(current_user, wanted, 'member') then
      execute format('grant %I to current_user', wanted);
    end if;
  end loop;
end $$;
grant usage, create on schema public to loopkeeper_owner;
grant usage on schema public to loopkeeper_app;
set role loopkeeper_owner;
"""

TABLES = """
create table policy_version (
  id text primary key,
  policy text not null,
  wording text not null,
  added_at timestamptz not null default clock_timestamp()
);
create table policy_activation (
  number bigint generated always as identity primary key,
  policy_id text not null references policy_version,
  activated_at timestamptz not null default clock_timestamp(),
  activated_by text not null
);

create table subject (
  id uuid primary key default uuidv7(),
  channel text not null,
  author_hash bytea not null,
  wrapped_key bytea,
  profile bytea,
  created_at timestamptz not null default clock_timestamp(),
  erased_at timestamptz,
  unique (channel, author_hash)
);
comment on table subject is 'A person who posts. author_hash: keyed hash of the network''s author id. wrapped_key: the key of their words, itself encrypted; destroying it erases them.';

create table words (
  id uuid primary key default uuidv7(),
  subject_id uuid not null references subject,
  case_id text,
  sealed bytea not null,
  sealed_hash bytea generated always as (sha256(sealed)) stored,
  written_at timestamptz not null default clock_timestamp()
);
create index words_of_case on words (case_id);
create index words_of_subject on words (subject_id);
comment on table words is 'What people wrote, encrypted with the key of the customer whom it concerns. The history holds the hash of the ciphertext.';

create table cases (
  case_id text primary key,
  number bigint generated always as identity unique,
  brand text not null,
  channel text not null,
  first_post text not null,
  subject_id uuid not null references subject,
  words uuid not null references words,
  policy_id text not null references policy_version,
  earlier_case text,
  opened_at timestamptz not null,
  status text not null default 'new',
  intent text not null,
  category text not null,
  priority text not null,
  department text not null,
  owner text,
  acknowledged_at timestamptz,
  resolved_at timestamptz,
  closed_at timestamptz,
  closing_permalink text,
  waived_by text,
  ended text,
  due_at timestamptz,
  due_clock text,
  promise_at timestamptz,
  waiting_since timestamptz,
  breached text[] not null default '{}',
  needs_human text,
  events int not null default 0,
  updated_at timestamptz not null default clock_timestamp()
);
create index cases_of_subject on cases (subject_id) where ended is null;
create index cases_by_opening on cases (opened_at desc, case_id);
create index open_cases_by_due on cases (due_at, case_id) where closed_at is null and ended is null;
create index cases_needing_people on cases (opened_at, case_id) where needs_human is not null;
comment on table cases is 'A view of each case for reading, kept up by the recording of its events; the truth is case_event.';

create table post (
  channel text not null,
  native_id text not null,
  case_id text not null,
  kind text not null check (kind in ('post', 'reply')),
  subject_id uuid references subject,
  words uuid references words,
  in_reply_to text,
  posted_at timestamptz not null,
  deleted_at timestamptz,
  primary key (channel, native_id)
);
create index posts_of_case on post (case_id);
comment on table post is 'Every post of a customer and every reply of ours, by the network''s id: how a further post finds its case.';

create table inbound (
  id bigint generated always as identity primary key,
  channel text not null,
  event_key text not null,
  delivery_id text not null,
  state text not null default 'waiting' check (state in ('waiting', 'parked', 'routed', 'done', 'quarantined')),
  sealed bytea,
  message text,
  reason text,
  parent text,
  case_id text,
  received_at timestamptz not null default clock_timestamp(),
  look_again_at timestamptz,
  unique (channel, event_key)
);
create index inbound_to_do on inbound (id) where state in ('waiting', 'routed');
create index inbound_parked on inbound (look_again_at) where state = 'parked';
create index inbound_parked_for on inbound (channel, parent) where state = 'parked';
create index inbound_quarantined on inbound (id) where state = 'quarantined';
comment on table inbound is 'What networks told us, stored before it is acknowledged. Emptied of its content (sealed) once its case has it; message: what the case is told.';

create table effect (
  key text primary key,
  case_id text not null,
  party text not null,
  purpose text not null,
  state text not null check (state in ('claimed', 'unclear', 'unsent', 'done', 'failed', 'unconfirmed')),
  attempt int not null default 1,
  lease_until timestamptz,
  words uuid references words,
  text_hash bytea,
  remote_id text,
  url text,
  reason text,
  unclear_since timestamptz,
  claimed_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz
);
create index effects_of_case on effect (case_id);
create index effects_unconfirmed on effect (claimed_at) where state = 'unconfirmed';
comment on table effect is 'The ledger of effects on the outside world: one row an effect, never one an attempt.';

create table desk_card (
  case_id text not null,
  department text not null,
  slack_channel text not null,
  ts text not null,
  told int not null default 0,
  shown_hash bytea,
  primary key (case_id, department)
);
comment on table desk_card is 'The card of a case in a department''s Slack channel. told: up to which event its thread tells the story.';

create table person (
  id text primary key,
  name text not null,
  first_name text,
  seen_at timestamptz not null default clock_timestamp()
);
comment on table person is 'How colleagues are called, as Slack or the sign-in says.';

create table api_key (
  id text primary key,
  name text not null,
  key_hash bytea not null,
  role text not null,
  created_at timestamptz not null default clock_timestamp(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
"""

HISTORY = """
create table case_head (
  case_id text primary key,
  seq int not null,
  hash bytea not null
);
create table case_event (
  case_id text not null,
  seq int not null,
  event_id uuid not null,
  recorded_us bigint not null,
  key text not null,
  doc text not null,
  words uuid,
  words_hash bytea,
  prev_hash bytea not null,
  hash bytea not null,
  primary key (case_id, seq),
  unique (case_id, key)
);
comment on table case_event is 'The histories. doc: exactly the text that was hashed. Written only by case_append; see domain/history.py for the hash.';

create function case_append(p_case text, p_keys text[], p_docs text[], p_words uuid[]) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  head case_head;
  seal bytea;
  at_us bigint;
  event uuid;
begin
  if cardinality(p_keys) is distinct from cardinality(p_docs) or cardinality(p_keys) is distinct from cardinality(p_words) then
    raise exception 'case_append: keys, docs and words must be of one length';
  end if;
  insert into case_head values (p_case, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing;
  select * into strict head from case_head where case_id = p_case for update;
  for i in 1 .. cardinality(p_keys) loop
    continue when exists (select 1 from case_event where case_id = p_case and key = p_keys[i]);
    seal := null;
    if p_words[i] is not null then
      select sealed_hash into seal from words where id = p_words[i];
      if seal is null then
        raise exception 'case_append: event % of case % refers to words % that are not there', p_keys[i], p_case, p_words[i];
      end if;
    end if;
    head.seq := head.seq + 1;
    at_us := floor(extract(epoch from clock_timestamp()) * 1000000);
    event := uuidv7();
    insert into case_event values (
      p_case, head.seq, event, at_us, p_keys[i], p_docs[i], p_words[i], seal, head.hash,
      sha256(convert_to(
        'loopkeeper-event-v1' || E'\\n' || p_case || E'\\n' || head.seq || E'\\n' || event || E'\\n' || at_us || E'\\n'
        || coalesce(encode(seal, 'hex'), '-') || E'\\n' || encode(head.hash, 'hex') || E'\\n' || p_docs[i], 'UTF8'))
    ) returning hash into head.hash;
  end loop;
  update case_head set seq = head.seq, hash = head.hash where case_id = p_case;
  return head.seq;
end $$;
comment on function case_append is 'Adds events to a case''s chain, each key once. The only way to write history.';

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'history is append-only: % on % is refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger case_event_stays before update or delete on case_event for each row execute function refuse_change();
create trigger case_event_is_kept before truncate on case_event execute function refuse_change();
create trigger case_head_is_kept before delete on case_head for each row execute function refuse_change();
create trigger case_head_is_not_truncated before truncate on case_head execute function refuse_change();
"""

GRANTS = """
revoke all on function case_append(text, text[], text[], uuid[]) from public;
grant execute on function case_append(text, text[], text[], uuid[]) to loopkeeper_app;
grant select on policy_version, policy_activation, subject, words, cases, post, inbound, effect, desk_card, person, api_key,
  case_head, case_event to loopkeeper_app;
grant insert on policy_version, policy_activation, subject, words, cases, post, inbound, effect, desk_card, person, api_key to loopkeeper_app;
grant update on cases, post, inbound, effect, desk_card, person, api_key to loopkeeper_app;
grant update (profile) on subject to loopkeeper_app;
reset role;
grant select on alembic_version to loopkeeper_app;
"""


def upgrade() -> None:
    """See the module's text."""
    for sql in (ROLES, TABLES, HISTORY, GRANTS):
        op.execute(sql)
