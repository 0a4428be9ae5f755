"""Privacy: erasing customers by two people, legal holds, retention, and the least that the roles for it and for backups need."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = """
set role loopkeeper_owner;

alter table words alter column sealed drop not null;
alter table words add column erased_hash bytea;
alter table words add constraint words_are_there_or_erased check ((sealed is null) = (erased_hash is not null));
comment on column words.erased_hash is 'The hash of what was destroyed: the histories cover it, so that every proof still holds.';
alter table cases add column forgotten_at timestamptz;
comment on column cases.forgotten_at is 'When the words of the case were destroyed, because their time was over or their customer was erased.';
create index cases_over_and_kept on cases (case_id) where ended is not null and forgotten_at is null;
create index subjects_by_channel on subject (channel, id) where erased_at is null;
create index posts_of_subject on post (subject_id) where subject_id is not null;
create index cases_of_anyone on cases (subject_id);

create table erasure (
  id uuid primary key default uuidv7(),
  number bigint generated always as identity unique,
  subjects uuid[] not null,
  cases text[] not null,
  reason text not null,
  proposed_by text not null,
  proposed_at timestamptz not null default clock_timestamp(),
  state text not null default 'proposed' check (state in ('proposed', 'confirmed', 'rejected')),
  decided_by text,
  decided_at timestamptz,
  check ((state = 'proposed') = (decided_by is null)),
  check (state <> 'confirmed' or decided_by <> proposed_by)
);
comment on table erasure is 'Customers who are to be erased: proposed by one person, confirmed or rejected by another.';

create table hold (
  id uuid primary key default uuidv7(),
  number bigint generated always as identity unique,
  reason text not null,
  set_by text not null,
  set_at timestamptz not null default clock_timestamp(),
  lifted_by text,
  lifted_at timestamptz
);
create table held_case (
  hold_id uuid not null references hold,
  case_id text not null references cases,
  primary key (hold_id, case_id)
);
create index holds_of_case on held_case (case_id);
comment on table hold is 'Legal holds: erasure and retention leave the cases of one alone until it is lifted.';

-- Whoever may destroy may do nothing else: these hold for every role.
create function only_destroy_words() returns trigger language plpgsql as $$
begin
  if new.sealed is not null or new.erased_hash is distinct from coalesce(old.erased_hash, old.sealed_hash)
    or (new.id, new.subject_id, new.case_id, new.written_at, new.private) is distinct from
       (old.id, old.subject_id, old.case_id, old.written_at, old.private) then
    raise exception 'words are destroyed or left as they are: this change of % is refused', old.id using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger words_are_only_destroyed before update on words for each row execute function only_destroy_words();

create function only_erase_subjects() returns trigger language plpgsql as $$
begin
  if (new.id, new.channel, new.created_at) is distinct from (old.id, old.channel, old.created_at)
    or (old.erased_at is not null and new is distinct from old)
    or (new.erased_at is null and (new.author_hash, new.wrapped_key) is distinct from (old.author_hash, old.wrapped_key))
    or (new.erased_at is not null and (new.wrapped_key is not null or new.profile is not null or new.author_hash = old.author_hash)
        and old.erased_at is null) then
    raise exception 'a customer is erased whole or left as they are: this change of % is refused', old.id
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger subjects_are_only_erased before update on subject for each row execute function only_erase_subjects();
"""

APPEND = """
create or replace function case_append(p_case text, p_keys text[], p_docs text[], p_words uuid[]) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  head case_head;
  seal bytea;
  event uuid;
begin
  if cardinality(p_keys) is distinct from cardinality(p_docs) or cardinality(p_keys) is distinct from cardinality(p_words) then
    raise exception 'case_append: keys, docs and words must be of one length';
  end if;
  insert into case_head values (p_case, 0, decode(repeat('00', 32), 'hex'), 0) on conflict do nothing;
  select * into strict head from case_head where case_id = p_case for update;
  for i in 1 .. cardinality(p_keys) loop
    continue when exists (select 1 from case_event where case_id = p_case and key = p_keys[i]);
    seal := null;
    if p_words[i] is not null then
      -- What was erased meanwhile is still referred to: a case can have decided on it before.
      select coalesce(sealed_hash, erased_hash) into seal from words where id = p_words[i];
      if seal is null then
        raise exception 'case_append: event % of case % refers to words % that are not there', p_keys[i], p_case, p_words[i];
      end if;
    end if;
    head.seq := head.seq + 1;
    -- Within a case the time never goes back, even when the machine's clock is set back; the verifier holds histories to it.
    head.recorded_us := greatest(head.recorded_us, floor(extract(epoch from clock_timestamp()) * 1000000));
    event := uuidv7();
    insert into case_event values (
      p_case, head.seq, event, head.recorded_us, p_keys[i], p_docs[i], p_words[i], seal, head.hash,
      sha256(convert_to(
        'loopkeeper-event-v1' || E'\\n' || p_case || E'\\n' || head.seq || E'\\n' || event || E'\\n' || head.recorded_us || E'\\n'
        || coalesce(encode(seal, 'hex'), '-') || E'\\n' || encode(head.hash, 'hex') || E'\\n' || p_docs[i], 'UTF8'))
    ) returning hash into head.hash;
    insert into unsealed values (p_case, head.seq, head.recorded_us, head.hash);
  end loop;
  update case_head set seq = head.seq, hash = head.hash, recorded_us = head.recorded_us where case_id = p_case;
  return head.seq;
end $$;
"""

GRANTS = """
grant select on subject, words, cases, post, inbound, effect, desk_card, hours_told, case_event, case_head,
  policy_version, policy_activation, erasure, hold, held_case to loopkeeper_privacy;
grant select (case_id), delete on draft to loopkeeper_privacy;
grant delete on hours_told to loopkeeper_privacy;
grant update (wrapped_key, profile, author_hash, erased_at) on subject to loopkeeper_privacy;
grant update (sealed, erased_hash) on words to loopkeeper_privacy;
grant update (sealed, message, state, reason) on inbound to loopkeeper_privacy;
grant update (text_hash) on effect to loopkeeper_privacy;
grant update (shown_hash) on desk_card to loopkeeper_privacy;
grant update (forgotten_at) on cases to loopkeeper_privacy;
grant insert on erasure, hold, held_case to loopkeeper_privacy;
grant update (state, decided_by, decided_at) on erasure to loopkeeper_privacy;
grant update (lifted_by, lifted_at) on hold to loopkeeper_privacy;

-- A backup reads everything, also what later migrations add, and changes nothing.
do $$
declare ours regclass;
begin
  for ours in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')
    and relowner = 'loopkeeper_owner'::regrole loop
    execute format('grant select on %s to loopkeeper_backup', ours);
  end loop;
end $$;
alter default privileges in schema public grant select on tables to loopkeeper_backup;
alter default privileges in schema public grant select on sequences to loopkeeper_backup;
reset role;
grant select on alembic_version to loopkeeper_backup;
"""


def upgrade() -> None:
    """See the module's text."""
    for sql in (TABLES, APPEND, GRANTS):
        op.execute(sql)
