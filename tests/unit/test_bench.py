"""What benchmarks promise of their figures, and how `bench` answers. Nothing is measured here."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bench import BENCHMARKS, console, history_search, intake, loops, open_cases, reports
from bench.__main__ import main
from bench.bare import Order, steps_of
from bench.bridge import Posted
from bench.counters import Count, Spent
from bench.crowd import CALM, URGENT, patient
from bench.figures import Aim, Benchmark, Json, percentile, table
from bench.histories import History, Work
from bench.history import Readings, Turn
from bench.intake import Behind, Reading
from bench.loops import Round, Side
from bench.open_cases import AtSize
from domain import commands as c
from domain.clocks import Duty, Owed, owed
from domain.files import read_policy
from domain.triage import Sorter
from settings import HERE
from tests.unit.domain.story import START, Story

WORK = Work(regular_activities=4, local_activities=4, timers=7, updates=2)
PROCESSES = ("temporal", "worker", "dispatcher", "postgres", "api", "sandbox")


def a_round(cases: int, bare: int) -> Round:
    product = dict.fromkeys((*PROCESSES, "players"), 0.5)
    return Round(Side(cases, 10.0, product), Side(bare, 10.0, {"temporal": 6.0, "client and worker": 4.0}))


def figures_of_loops() -> dict[str, Json]:
    rounds = [a_round(100, 200), a_round(50, 200), a_round(150, 200)]
    return loops.report(rounds, [History(WORK, 61, 13_000)], update_bytes=1200.4, acks=[0.02, 0.03, 0.5])


def figures_of_intake() -> dict[str, Json]:
    reading = Reading(Posted(10.0, [0.01] * 4000, in_time=4000), Behind(4000, 3000, 600, 900), dict.fromkeys(PROCESSES, 2.0))
    return intake.report(reading, reading)


def figures_of_console() -> dict[str, Json]:
    pages = {name: [0.01] * 98 + [0.04, 0.2] for name in ("board", "case", "inbox")}
    paced, cpu = {name: [0.01, 0.02] for name in pages}, dict.fromkeys(pages, 0.012)
    return console.report(console.Measured(1_000_000, pages, paced, cpu, [0.02, 0.3], 500))


def a_size(open_cases: int, *, idle_cpu: float = 0.3, cpu: float = 4.3, scans: int = 0) -> AtSize:
    """A minute of idling, then a minute in which a hundred cases fall due."""
    idle = Spent(60.0, {"worker": idle_cpu, "sandbox": 60.0}, 120, {"cases": 0, "policy_version": 9}, {"history GetTimerTasks": 60})
    due = Spent(60.0, {"worker": cpu, "sandbox": 60.0}, 9_120, {"cases": scans, "policy_version": 9}, {"history GetTimerTasks": 1_660})
    lags = [0.05] * 98 + [0.2, 0.4]
    memory = {"worker": 100_000_000 + open_cases * 51_200, "temporal": 300_000_000, "sandbox": 7}
    return AtSize(open_cases, 25_000, idle, due, lags, frozenset({"cases"}), memory)


def figures_of_open_cases() -> dict[str, Json]:
    return open_cases.report([a_size(1_000), a_size(5_000), a_size(20_000, idle_cpu=0.6)], a_size(20_300, scans=3))


def figures_of_reports() -> dict[str, Json]:
    timed = {"volume": [0.02, 0.03, 0.04], "times": [0.1, 0.2, 0.15]}
    return reports.report(reports.Timed(timed, {"volume": [0.01], "times": [0.02]}, timed, [0.005, 0.009]), 1_000, 0.02)


def figures_of_history() -> dict[str, Json]:
    turns = [Turn(1, 1000, 900), Turn(8, 4000, 3000), Turn(1, 1000, 800), Turn(8, 4000, 3200), Turn(1, 1000, 100), Turn(8, 1000, 900)]
    return Readings(100_000, turns, [20_000], [90_000], [160_000], [170_000], {"search_p99_ms": 12.5}, 0.01).figures()


def figures_of_search() -> dict[str, Json]:
    took = {"rare word": [2.0, 4.0, 90.0], "everything": [1.0, 1.0, 3.0]}
    return history_search.Readings(1_000_000, 9_700_000, 4_000.0, 900, took, {name: [50, 50, 0] for name in took}, [11.0, 40.0]).figures()


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("loops", figures_of_loops()),
        ("intake", figures_of_intake()),
        ("open-cases", figures_of_open_cases()),
        ("reports", figures_of_reports()),
        ("history", figures_of_history()),
        ("search", figures_of_search()),
        ("console", figures_of_console()),
    ],
)
def test_the_figures_have_all_promised_keys_and_every_aim_is_for_one_of_them(name: str, figures: dict[str, Json]) -> None:
    benchmark = BENCHMARKS[name]()
    assert set(benchmark.keys) <= set(figures)
    assert set(benchmark.aims) <= set(figures)
    assert json.loads(json.dumps(figures)) == figures


def test_the_time_of_a_report_is_that_of_the_slowest() -> None:
    figures = figures_of_reports()
    assert (figures["report_p99_ms"], figures["four_weeks_p99_ms"], figures["cases_behind_p99_ms"]) == (200.0, 20.0, 9.0)
    assert figures["report_p50_ms"] == {"volume": 30.0, "times": 150.0}


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    assert figures_of_loops()["ratio_to_bare"] == 0.5


def test_an_append_is_held_against_the_plain_inserts_of_its_own_turn_and_the_worse_number_of_writers_counts() -> None:
    figures = figures_of_history()
    assert figures["append_ratio_by_writers"] == {"1": 0.8, "8": 0.8}
    assert figures["append_ratio_to_plain_insert"] == 0.8
    assert figures["appends_per_second"] == 3000


def test_the_slowest_hundredth_is_that_of_all_queries_together() -> None:
    figures = figures_of_search()
    assert (figures["search_p50_ms"], figures["search_p99_ms"]) == (2.0, 90.0)


def test_by_cpu_the_world_outside_is_left_out_of_the_ratio() -> None:
    assert figures_of_loops()["cpu_ratio_to_bare"] == 2.0  # 50 ms a bare loop, 25 ms a case in five processes of ours


def test_cpu_is_told_by_process_without_the_players_who_are_not_ours() -> None:
    cpu = figures_of_loops()["cpu_ms_per_case"]
    assert cpu == dict.fromkeys(PROCESSES, 5.0) | {"total": 30.0}


def test_the_bare_loop_takes_the_same_steps_a_message_between_two_activities() -> None:
    assert steps_of(WORK) == ["activity", "update", "activity", "update", "activity", "activity"]
    assert steps_of(Work(regular_activities=1, signals=2)) == ["activity", "signal", "signal"]


def test_what_the_bare_loop_is_told_survives_the_command_line() -> None:
    order = Order("127.0.0.1:7233", 1, 8, 1.0, 2.0, WORK)
    assert Order.read(order.write()) == order


def test_the_usual_work_of_a_case_is_the_median_of_each_count() -> None:
    assert Work.median([Work(3, 4, 6), Work(4, 4, 7), Work(4, 5, 7)]) == Work(4, 4, 7)


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.99, 4), (0.25, 1), (0.0, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert percentile([4, 2, 1, 3], share) == value


def test_each_figure_is_shown_with_its_aim_and_whether_it_is_reached() -> None:
    shown = table({"fast": 10.0, "small": 7, "parts": {"a": 1}}, {"fast": Aim(at_least=9), "small": Aim(at_most=5)})
    assert [line.split() for line in shown.splitlines()] == [
        ["fast", "10", "aim", "≥", "9:", "reached"],
        ["small", "7", "aim", "≤", "5:", "MISSED"],
        ["parts", "a", "1"],
    ]


def test_what_stands_at_the_top_is_of_the_largest_size_and_the_growth_is_against_the_smallest() -> None:
    figures = figures_of_open_cases()
    assert (figures["open_cases"], figures["idle_cpu_cores"], figures["due_to_effect_p99_seconds"]) == (20_000, 0.01, 0.2)
    growth = figures["growth"]
    assert isinstance(growth, list)
    assert [(one["open_cases"], one["idle_cpu_cores"], one["cpu_ms_per_due"]) for one in growth] == [(5, 1, 1), (20, 2, 0.93)]
    assert figures["memory_kib_per_open_case"] == {"worker": 50.0, "temporal": 0.0}


def test_what_idling_takes_and_the_world_outside_is_not_counted_for_the_cases_that_fall_due() -> None:
    figures = a_size(1_000).figures()
    assert (figures["cpu_ms_per_due"], figures["rows_read_per_due"], figures["temporal_requests_per_due"]) == (40.0, 90.0, 16.0)


def test_whole_reads_count_of_big_tables_alone() -> None:
    assert a_size(1_000).figures()["scans_of_big_tables"] == 0
    assert figures_of_open_cases()["scans_of_big_tables"] == 3


def test_what_was_spent_is_the_difference_of_the_counters() -> None:
    first = Count(10.0, {"worker": 1.0}, 100, {"cases": 4}, {"history GetTimerTasks": 7})
    last = Count(70.0, {"worker": 1.5}, 150, {"cases": 4, "post": 1}, {"history GetTimerTasks": 9, "history CreateTasks": 2})
    assert Spent.between(first, last) == Spent(
        60.0, {"worker": 0.5}, 50, {"cases": 0, "post": 1}, {"history GetTimerTasks": 2, "history CreateTasks": 2}
    )


def test_among_patient_clocks_only_the_holding_message_of_an_urgent_case_falls_due_soon() -> None:
    policy = read_policy(patient((HERE / "policies" / "default.yaml").read_text()), "patient.yaml")
    slice_ = policy.for_case("meridian", "x")

    def owed_to(complaint: str) -> list[Owed]:
        triage = Sorter(policy.triage).sort(complaint, first=True)
        story = Story(policy=slice_).opened(triage.intent, triage.priority, triage.department)
        story.tell(c.DeskTold("d1", story.case.events, triage.department))
        return owed(story.case, slice_)

    assert all(owed_to(complaint)[0].at > START + timedelta(hours=2) for complaint in CALM)
    first, second, *_ = owed_to(URGENT)
    assert (first.duty, first.at - START) == (Duty.SPEAK, timedelta(minutes=4, seconds=30))
    assert second.at - START == timedelta(minutes=5)


def test_sizes_are_only_for_what_is_measured_at_several(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loops", "--sizes", "1000"]) == 2
    assert "no sizes" in capsys.readouterr().err


def test_sizes_that_are_too_near_to_each_other_are_refused_before_anything_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["open-cases", "--sizes", "1000,1200"]) == 1
    assert "at least 300 cases larger" in capsys.readouterr().err


def test_without_a_name_there_is_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    answered = capsys.readouterr().out
    assert all(name in answered for name in BENCHMARKS)


def test_an_unknown_name_is_told_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loop"]) == 2
    answered = capsys.readouterr().err
    assert "`loop`" in answered
    assert all(name in answered for name in BENCHMARKS)


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loops", "--json", str(tmp_path / "nowhere" / "figures.json")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_figures_are_shown_and_written_to_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Benchmark("nothing", ("answer",), {"answer": Aim(at_least=40)}, lambda say: {"answer": 42})
    monkeypatch.setitem(BENCHMARKS, "quick", lambda: quick)
    assert main(["quick", "--json", str(tmp_path / "figures.json")]) == 0
    assert json.loads((tmp_path / "figures.json").read_text()) == {"answer": 42}
    assert "reached" in capsys.readouterr().out
