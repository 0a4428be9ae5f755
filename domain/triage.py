"""First triage: sort a post by the phrases of the policy, before anyone has read it, and say which phrases decided.

It errs on the side of the customer: whenever anything speaks for a complaint it is one, praise must be free of doubt, and what no
rule knows is a remark, which gets a neutral acknowledgement and a person.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import regex

from domain.policy import TriageRules
from domain.values import Intent, Priority, Triage

STRONG, WEAK = 3, 1
"""What a strong and a weak signal count."""

_NOISE = regex.compile(r"https?://\S+|[@#]\w+")
_TOKEN = regex.compile(r"\w+(?:['\-]\w+)*|[?*]|[^\w\s\p{P}]")  # words, the two signs that mean something here, symbols such as emoji
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"'})
_RULES_NAMED = 12


@dataclass(slots=True)
class _Found:
    """What the phrases of a policy found in one text: for each list, the distinct phrases in the order of the text."""

    hits: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def of(self, label: str) -> list[str]:
        return self.hits.get(label, [])

    def score(self, intent: str) -> int:
        return STRONG * len(self.of(f"{intent}.strong")) + WEAK * len(self.of(f"{intent}.weak"))

    def named(self, *labels: str) -> list[str]:
        return [f"{label.removesuffix('.strong').removesuffix('.weak')}:{hit}" for label in labels for hit in self.of(label)]


class Sorter:
    """The triage rules of one policy, made ready. A text takes some tens of microseconds, however many phrases there are."""

    def __init__(self, rules: TriageRules) -> None:
        self._rules = rules
        self._ignore = _Index()
        self._index = _Index()
        self._ignore.add("ignore", rules.ignore)
        self._index.add("spam", rules.spam)
        for intent in ("complaint", "question", "praise", "thanks"):
            signals = getattr(rules, intent)
            self._index.add(f"{intent}.strong", signals.strong)
            self._index.add(f"{intent}.weak", signals.weak)
        for category, phrases in rules.categories.items():
            self._index.add(f"category {category}", phrases)
        for priority, phrases in rules.priorities.items():
            self._index.add(priority, phrases)

    def sort(self, text: str, *, first: bool) -> Triage:
        """Sort `text`. `first` says whether it starts a case; a further post can be thanks, a first one cannot (that is praise)."""
        found = self._find(text)
        if found.of("spam"):
            return self._as(Intent.SPAM, self._rules.otherwise, Priority.LOW, found.named("spam"))
        category = self._category(found)
        priority = next((p for p in (Priority.URGENT, Priority.HIGH, Priority.LOW) if found.of(p.value)), Priority.NORMAL)
        intent = _intent(found, first=first)
        if intent is Intent.REMARK and priority is Priority.URGENT:
            intent = Intent.COMPLAINT  # somebody may be in trouble; that is never a mere remark
        named = found.named(f"{intent}.strong", f"{intent}.weak", priority.value)
        if intent in (Intent.PRAISE, Intent.THANKS):
            priority, named = Priority.LOW, found.named("praise.strong", "thanks.strong")
        return self._as(intent, category, priority, [*named, *(f"{category}:{h}" for h in found.of(f"category {category}"))])

    def _as(self, intent: Intent, category: str, priority: Priority, named: list[str]) -> Triage:
        return Triage(intent, category, priority, self._rules.departments[category], tuple(named[:_RULES_NAMED]))

    def _category(self, found: _Found) -> str:
        best = max(self._rules.categories, key=lambda c: len(found.of(f"category {c}")), default=self._rules.otherwise)
        return best if found.of(f"category {best}") else self._rules.otherwise

    def _find(self, text: str) -> _Found:
        tokens = _tokens(text)
        ignored = {i for at, length, _, _ in self._ignore.matches(tokens) for i in range(at, at + length)}
        tokens = [t for i, t in enumerate(tokens) if i not in ignored]
        found = _Found()
        for _, _, label, phrase in self._index.matches(tokens):
            if phrase not in found.hits[label]:
                found.hits[label].append(phrase)
        return found


def _intent(found: _Found, *, first: bool) -> Intent:
    complaint, question = found.score("complaint"), found.score("question")
    warm = found.score("praise") + found.score("thanks")
    if complaint and complaint * 2 >= warm:
        return Intent.COMPLAINT
    if question:
        return Intent.QUESTION
    if found.of("praise.strong") or found.of("thanks.strong"):
        doubtful = complaint if first else found.of("complaint.strong")  # a "but" in passing does not undo a thank-you
        if not doubtful:
            return Intent.PRAISE if first else Intent.THANKS
    return Intent.COMPLAINT if complaint else Intent.REMARK


def phrases_in(text: str, lists: Mapping[str, Iterable[str]]) -> list[str]:
    """The phrases of named lists that stand in a text, as `list:phrase`, each once, in the text's order; matched as in triage."""
    index = _Index()
    for name, phrases in lists.items():
        for phrase in phrases:
            index.add(f"{name}:{phrase}", (phrase,))
    return list(dict.fromkeys(label for _, _, label, _ in index.matches(_tokens(text))))


class _Index:
    """Phrases by their first word. A word that ends in `*` stands for any ending."""

    def __init__(self) -> None:
        self._exact: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        self._stems: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)

    def add(self, label: str, phrases: tuple[str, ...]) -> None:
        for phrase in phrases:
            words = _words(phrase)
            table = self._stems if words[0].endswith("*") else self._exact
            table[words[0].rstrip("*")].append((words, label))

    def matches(self, tokens: list[str]) -> Iterator[tuple[int, int, str, str]]:
        """Each match as (position, number of tokens, label, the words found)."""
        for at, token in enumerate(tokens):
            yield from self._starting(tokens, at, self._exact.get(token, ()))
            for end in range(2, len(token) + 1):
                yield from self._starting(tokens, at, self._stems.get(token[:end], ()))

    @staticmethod
    def _starting(
        tokens: list[str], at: int, phrases: list[tuple[tuple[str, ...], str]] | tuple[()]
    ) -> Iterator[tuple[int, int, str, str]]:
        for words, label in phrases:
            there = tokens[at : at + len(words)]
            if len(there) == len(words) and all(_is(token, word) for token, word in zip(there, words, strict=True)):
                yield at, len(words), label, " ".join(there)


def _is(token: str, word: str) -> bool:
    return token.startswith(word[:-1]) if word.endswith("*") else token == word


def _words(phrase: str) -> tuple[str, ...]:
    """A phrase of the policy as tokens; the star stays with its word."""
    words: list[str] = []
    for sign in _TOKEN.findall(_folded(phrase)):
        if sign == "*" and words:
            words[-1] += "*"
        else:
            words.append(sign)
    return tuple(words)


def _tokens(text: str) -> list[str]:
    """Words in lower case and single signs, without addresses, handles and hashtags."""
    return [found for found in _TOKEN.findall(_NOISE.sub(" ", _folded(text))) if found != "*"]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold()
