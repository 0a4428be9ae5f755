"""What benchmarks promise of their figures, and how `bench` answers. Nothing is measured here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import BENCHMARKS, intake, loops
from bench.__main__ import main
from bench.bare import Order, steps_of
from bench.bridge import Posted
from bench.figures import Aim, Benchmark, Json, percentile, table
from bench.histories import History, Work
from bench.intake import Behind, Reading
from bench.loops import Round, Side

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


@pytest.mark.parametrize(("name", "figures"), [("loops", figures_of_loops()), ("intake", figures_of_intake())])
def test_the_figures_have_all_promised_keys_and_every_aim_is_for_one_of_them(name: str, figures: dict[str, Json]) -> None:
    benchmark = BENCHMARKS[name]()
    assert set(benchmark.keys) <= set(figures)
    assert set(benchmark.aims) <= set(figures)
    assert json.loads(json.dumps(figures)) == figures


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    assert figures_of_loops()["ratio_to_bare"] == 0.5


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
