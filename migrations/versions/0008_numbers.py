"""The numbers: figures of each case, what they add up to by day, week and hour, how far the history was read for them, and rising words."""

from alembic import op

revision = "0008"
down_revision = "0007"

TABLES = """
set role loopkeeper_owner;

create function report_bucket(seconds int) returns int language sql immutable strict parallel safe as $$
  select ceil(round((ln(greatest(seconds, 1)) / ln(1.1::double precision))::numeric, 9))::int
$$;
comment on function report_bucket is 'The bucket of a time in seconds: each is a tenth wider than the one before. domain/histograms.py computes the same.';

create table case_measure (
  case_id text primary key,
  brand text not null,
  channel text not null,
  category text not null,
  department text not null,
  owner text not null default '',
  priority text not null,
  intent text not null,
  status text not null,
  since timestamptz not null,
  day date not null,
  hour smallint not null,
  acknowledge_s int, accept_s int, accept_working_s int, resolve_s int, resolve_working_s int, close_s int,
  acknowledge_kept int not null default 0, acknowledge_late int not null default 0,
  accept_kept int not null default 0, accept_late int not null default 0,
  holding_update_kept int not null default 0, holding_update_late int not null default 0,
  next_reply_kept int not null default 0, next_reply_late int not null default 0,
  resolve_kept int not null default 0, resolve_late int not null default 0,
  thank_you_kept int not null default 0, thank_you_late int not null default 0,
  promises_kept int not null default 0, promises_broken int not null default 0,
  closing text,
  reopened int not null default 0,
  thanks int not null default 0,
  thanks_answered int not null default 0,
  wrote_days date[] not null,
  wrote_hours smallint[] not null
);
create index measures_by_time on case_measure (since desc, case_id);
create index measures_of_owner on case_measure (owner, since desc, case_id) where owner <> '';
create index measures_late on case_measure (since desc, case_id)
  where acknowledge_late + accept_late + holding_update_late + next_reply_late + resolve_late + thank_you_late > 0;
create index measures_by_hour on case_measure (hour, since desc, case_id);
create index measures_closed_otherwise on case_measure (since desc, case_id) where closing in ('closing_note', 'waived', 'elsewhere');
create index measures_disappointed on case_measure (since desc, case_id) where promises_broken > 0 or reopened > 0;
comment on table case_measure is 'The figures of each case, read off its history (domain/measures.py); may be emptied and read anew at any time.';

create table report_day (
  brand text, day date, channel text, category text, department text,
  opened int not null, without_loop int not null, still_open int not null, resolved int not null,
  acknowledged int not null, within_15_min int not null,
  acknowledge_kept int not null, acknowledge_late int not null, accept_kept int not null, accept_late int not null,
  holding_update_kept int not null, holding_update_late int not null, next_reply_kept int not null, next_reply_late int not null,
  resolve_kept int not null, resolve_late int not null, thank_you_kept int not null, thank_you_late int not null,
  promises_kept int not null, promises_broken int not null,
  closed int not null, closed_in_public int not null, by_closing_note int not null, waived int not null,
  ever_closed int not null, reopened int not null, thanked int not null, thanks int not null, thanks_answered int not null,
  primary key (brand, day, channel, category, department)
) with (fillfactor = 70);
create index report_days on report_day (day);
comment on table report_day is 'What the cases of a day add up to: the day on which the customer wrote first, in the brand''s zone.';

create table report_owner (
  brand text, day date, department text, owner text,
  opened int not null, still_open int not null, resolved int not null, accept_kept int not null, accept_late int not null,
  holding_update_kept int not null, holding_update_late int not null, resolve_kept int not null, resolve_late int not null,
  promises_kept int not null, promises_broken int not null, reopened int not null, thanked int not null,
  primary key (brand, day, department, owner)
) with (fillfactor = 70);
create index report_owner_days on report_owner (day);
comment on table report_owner is 'The same by owner, for what an owner can do something about.';

create table report_hour (
  level text, brand text, day date, hour smallint, channel text, category text, department text,
  opened int not null, posts int not null, acknowledge_kept int not null, acknowledge_late int not null,
  accept_kept int not null, accept_late int not null,
  primary key (level, day, hour, brand, channel, category, department)
) with (fillfactor = 70);
comment on table report_hour is 'The same by hour. posts: what customers wrote in that hour, in whichever case. level: what is told apart, so that what is not is read as one sum.';

create table report_time (
  level text, grain text check (grain in ('day', 'week', 'four_weeks')), first date, brand text, channel text, category text, department text, bucket smallint,
  acknowledge int not null, accept int not null, accept_working int not null,
  resolve int not null, resolve_working int not null, close int not null,
  primary key (level, grain, first, brand, channel, category, department, bucket)
) with (fillfactor = 70);
comment on table report_time is 'How many cases took how long, in buckets that can be added up; of whole weeks and of four too, so that a year is quickly read.';

create table report_owner_time (
  grain text check (grain in ('day', 'week', 'four_weeks')), first date, brand text, department text, owner text, bucket smallint,
  accept_working int not null, resolve_working int not null,
  primary key (grain, first, brand, department, owner, bucket)
) with (fillfactor = 70);
comment on table report_owner_time is 'The same by owner.';

create table report_term (
  brand text, day date, term text, customers int not null check (customers >= 5),
  primary key (brand, day, term)
);
comment on table report_term is 'How many customers used a term in the seven days that end with the day. Terms of fewer than five are never kept.';

create table report_progress (
  name text primary key,
  leaf bigint not null default 0,
  version int not null default 0,
  at timestamptz default clock_timestamp()
);
comment on table report_progress is 'How far the log was read for the reports, by which version of the figures, and when everything was last taken up; and when words were counted.';

grant select, insert, update, delete on case_measure, report_day, report_owner, report_hour, report_time, report_owner_time, report_term,
  report_progress to loopkeeper_app;
grant truncate on case_measure, report_day, report_owner, report_hour, report_time, report_owner_time to loopkeeper_app;
grant select on case_measure, report_day, report_owner, report_hour, report_time, report_owner_time, report_term, report_progress
  to loopkeeper_auditor;
reset role;
"""


def upgrade() -> None:
    """See the module's text."""
    op.execute(TABLES)
