"""Figures of many cases, made by SQL: as if their histories had been read. For benchmarks and for looking at pages."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, text

from adapters.postgres.rolling_up import EVERY_CASE, SUMS

_MAKE = """
insert into case_measure
select 'meridian-' || channel || '-' || prefix || n, 'meridian', channel, category, department,
  case when accepted is null then '' else 'slack:U' || upper(left(department, 4)) || (n / 7 % 10) end,
  (array['low', 'normal', 'normal', 'normal', 'high', 'urgent'])[1 + n % 6], (array['complaint', 'complaint', 'question'])[1 + n % 3],
  case when spam then 'dismissed' when resolved is not null then 'closed' when accepted is null then 'handed_off' else 'in_progress' end,
  since, since::date, extract(hour from since)::int,
  case when not spam then acknowledged end, accepted, (accepted * 0.6)::int, resolved, (resolved * 0.35)::int, resolved + 20,
  (not spam and acknowledged <= due)::int, (not spam and acknowledged > due)::int,
  coalesce((accepted <= 3600)::int, 0), (not spam and coalesce(accepted > 3600, true))::int,
  case when resolved is not null then n % 3 else 0 end, case when accepted > 30000 then 1 else 0 end, 0, 0,
  coalesce((resolved <= 200000)::int, 0), coalesce((resolved > 200000)::int, 0),
  case when resolved is not null then 1 else 0 end, 0,
  case when not spam then n % 4 else 0 end, case when accepted > 20000 then 1 else 0 end,
  case when resolved is null then null when n % 50 = 0 then 'waived' when n % 19 = 0 then 'closing_note' else 'thank_you' end,
  case when resolved is not null and n % 23 = 0 then 1 else 0 end,
  case when resolved is not null and n % 7 = 0 then 1 else 0 end, case when resolved is not null and n % 14 = 0 then 1 else 0 end,
  array[since::date, again::date], array[extract(hour from since)::int, extract(hour from again)::int]
from (
  select *, since + interval '5 hours' as again,
    case when spam or young and random() < 0.5 then null
         when random() < 0.9 then (60 * exp(random() * 5))::int else (3600 * exp(random() * 3))::int end as accepted
  from (
    select *, split_part(kind, ' ', 1) as category, split_part(kind, ' ', 2) as department,
      case when channel = 'facebook' then 3600 else 900 end as due,
      (case when random() < (case when channel = 'facebook' then 0.93 else 0.985 end)
            then 4 * exp(random() * 4) else 900 * exp(random() * 3) end)::int as acknowledged,
      since > cast(:last as date) - interval '3 days' as young, n % 17 = 0 as spam
    from (
      select n, (array['x', 'x', 'x', 'facebook', 'facebook', 'mastodon', 'phone'])[1 + (random() * 6.99)::int % 7] as channel,
        (array['billing billing', 'billing billing', 'technical technical', 'technical technical', 'technical technical',
               'product product', 'website website', 'other care'])[1 + (random() * 7.99)::int % 8] as kind,
        cast(:last as date) - (:days * power(random(), 1.08))::int * interval '1 day'
          + interval '1 hour' * least(23.99, greatest(0, 14 + 4.5 * (random() + random() + random() - 1.5) * 2)) as since
      from generate_series(1, :cases) as n
    ) as a where extract(isodow from since) < 6 or random() < 0.6
  ) as b
) as c, lateral (
  select case when spam or accepted is null or young and random() < 0.6 then null
              else accepted + (1800 * exp(random() * 5))::int end as resolved
) as d
"""


def make_measures(connection: Connection, cases: int, last: date, days: int, prefix: str = "b") -> None:
    """Put figures of about so many cases on the `days` days up to `last`, and add them up."""
    connection.execute(text("set local work_mem = '64MB'"))
    sql = _MAKE.replace("|| prefix ||", "|| :prefix ||")
    connection.execute(text(sql), {"cases": cases, "last": last, "days": days, "prefix": prefix})
    for first in range(0, days + 1, _AT_ONCE):  # a million at once would be sorted on the disk
        until = last - timedelta(days=first)
        values = {"since": until - timedelta(days=_AT_ONCE - 1), "until": until}
        for each in SUMS:
            connection.execute(text(each.sql(f"{EVERY_CASE} where day between :since and :until")), values)


_AT_ONCE = 14
"""Days."""
