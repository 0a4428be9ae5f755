"""Measure: python -m bench NAME [--json FILE] [--sizes N,N,…]. Without a name: what can be measured."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import BENCHMARKS
from bench.figures import Benchmark, table
from domain.errors import LoopkeeperError

USAGE_ERROR = 2


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit code. A missed aim is shown, and is no error."""
    parser = argparse.ArgumentParser(prog="bench", description="Measures Loopkeeper. See bench/README.md.", epilog=listing())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("name", nargs="?", help="what to measure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--sizes", type=_sizes, metavar="N,N,…", help="at which sizes to measure what is measured at several")
    wanted = parser.parse_args(arguments)
    if wanted.name is None:
        print(listing())
        return 0
    if wanted.name not in BENCHMARKS:
        print(f"bench: there is no benchmark `{wanted.name}`.\n{listing()}", file=sys.stderr)
        return USAGE_ERROR
    if wanted.json is not None and not wanted.json.absolute().parent.is_dir():
        print(f"bench: cannot write {wanted.json}: there is no folder {wanted.json.absolute().parent}.", file=sys.stderr)
        return USAGE_ERROR
    benchmark = BENCHMARKS[wanted.name]()
    if wanted.sizes is not None:
        if benchmark.at_sizes is None:
            print(f"bench: {wanted.name} has no sizes.", file=sys.stderr)
            return USAGE_ERROR
        benchmark = replace(benchmark, run=benchmark.at_sizes(wanted.sizes))
    try:
        measure(benchmark, wanted.json)
    except (LoopkeeperError, TimeoutError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; nothing was measured.", file=sys.stderr)
        return 130
    return 0


def listing() -> str:
    """What there is, a line each."""
    named = [(name, load().summary) for name, load in BENCHMARKS.items()]
    return "Benchmarks:\n" + "\n".join(f"  {name:<10} {summary}" for name, summary in named)


def _sizes(written: str) -> tuple[int, ...]:
    """Numbers of cases, with commas between them. Raises ValueError, of which argparse makes a usage error."""
    return tuple(int(size) for size in written.split(","))


def measure(benchmark: Benchmark, file: Path | None) -> None:
    """Run it and show the figures, first for people, then as JSON."""
    print(benchmark.summary)
    figures = benchmark.run(lambda line: print(f"  {line}", flush=True))
    written = json.dumps(figures, indent=2, ensure_ascii=False)
    print(f"\n{table(figures, benchmark.aims)}\n\n{written}")
    if file is not None:
        file.write_text(written + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
