"""The log: every event of every history in one Merkle tree, its signed checkpoints, and the roles that may touch which of it."""

from alembic import op

revision = "0003"
down_revision = "0002"

ROLES = """
do $$
declare wanted text;
begin
  foreach wanted in array array['loopkeeper_sealer', 'loopkeeper_auditor', 'loopkeeper_privacy', 'loopkeeper_backup'] loop
    if not exists (select 1 from pg_roles where rolname = wanted) then
      execute format('create role %I nologin', wanted);
    end if;
    if not pg_has_role(current_user, wanted, 'member') then
      execute format('grant %I to current_user', wanted);
    end if;
    execute format('grant usage on schema public to %I', wanted);
  end loop;
end $$;
set role loopkeeper_owner;
"""

TABLES = """
create table unsealed (
  case_id text not null,
  seq int not null,
  recorded_us bigint not null,
  hash bytea not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table unsealed is 'Events that are not in the log yet, put here as they are recorded. No index: it is read whole and emptied about once a second.';

create table log_leaf (
  leaf bigint primary key,
  case_id text not null,
  seq int not null,
  hash bytea not null
);
create unique index leaves_of_case on log_leaf (case_id, seq);
comment on table log_leaf is 'The log''s leaves in order: which event each is, and its hash as it was when it was sealed.';

create table log_node (
  level int not null,
  number bigint not null,
  hash bytea not null,
  primary key (level, number)
);
comment on table log_node is 'Roots of full subtrees of 256^level leaves, so that proofs need no more than a few hundred leaves.';

create table log_key (
  verifier text primary key,
  since timestamptz not null default clock_timestamp()
);
comment on table log_key is 'The public keys that have signed checkpoints. The private ones are never in the database.';

create table checkpoint (
  size bigint primary key,
  root bytea not null,
  note text not null,
  signed_at timestamptz not null default clock_timestamp()
);
comment on table checkpoint is 'Signed states of the log: C2SP signed notes.';

create table publication (
  destination text not null,
  size bigint not null references checkpoint,
  place text not null,
  published_at timestamptz not null default clock_timestamp(),
  primary key (destination, size)
);
comment on table publication is 'Which checkpoints were published where, out of the reach of whoever runs the database.';

insert into unsealed select case_id, seq, recorded_us, hash from case_event order by recorded_us, case_id, seq;

alter table case_head add column recorded_us bigint not null default 0;
update case_head h set recorded_us = (select max(recorded_us) from case_event e where e.case_id = h.case_id);
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
      select sealed_hash into seal from words where id = p_words[i];
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

create function journal_append(p_keys text[], p_docs text[]) returns void
language sql security definer set search_path = public, pg_temp as $$
  select case_append('@journal-' || to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM'), p_keys, p_docs, array_fill(null::uuid, array[cardinality(p_keys)]));
$$;
comment on function journal_append is 'Adds to the journal of this month: what happened to the installation and not to one case. A chain like a case''s.';

create trigger log_leaf_stays before update or delete on log_leaf for each row execute function refuse_change();
create trigger log_leaf_is_kept before truncate on log_leaf execute function refuse_change();
create trigger log_node_stays before update or delete on log_node for each row execute function refuse_change();
create trigger log_node_is_kept before truncate on log_node execute function refuse_change();
create trigger log_key_stays before update or delete on log_key for each row execute function refuse_change();
create trigger log_key_is_kept before truncate on log_key execute function refuse_change();
create trigger checkpoint_stays before update or delete on checkpoint for each row execute function refuse_change();
create trigger checkpoint_is_kept before truncate on checkpoint execute function refuse_change();
create trigger publication_stays before update or delete on publication for each row execute function refuse_change();
create trigger publication_is_kept before truncate on publication execute function refuse_change();
create trigger unsealed_stays before update on unsealed for each row execute function refuse_change();
create trigger unsealed_is_kept before truncate on unsealed execute function refuse_change();
"""

GRANTS = """
revoke all on function journal_append(text[], text[]) from public;
grant execute on function journal_append(text[], text[]) to loopkeeper_app, loopkeeper_sealer, loopkeeper_auditor, loopkeeper_privacy;
grant select on log_leaf, log_node, log_key, checkpoint, publication, unsealed to loopkeeper_app;

grant select on case_event, case_head to loopkeeper_sealer;
grant select, insert on log_leaf, log_node, log_key, checkpoint, publication to loopkeeper_sealer;
grant select, delete on unsealed to loopkeeper_sealer;

grant select on case_event, case_head, log_leaf, log_node, log_key, checkpoint, publication, unsealed, cases, policy_version, policy_activation
  to loopkeeper_auditor;
reset role;
grant select on alembic_version to loopkeeper_sealer, loopkeeper_auditor, loopkeeper_privacy;
"""


def upgrade() -> None:
    """See the module's text."""
    for sql in (ROLES, TABLES, APPEND, GRANTS):
        op.execute(sql)
