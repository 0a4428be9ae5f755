"""How long a text is, as each network counts."""

from __future__ import annotations

import unicodedata

import regex

from sandbox.settings import Channel, Counting

URL_LENGTH = 23
"""What every link counts on X and on Mastodon, however long it is."""

# A link on X needs no scheme: twitter-text takes any host under a known top-level domain. These are the usual ones, and every country's.
_LINK = regex.compile(
    r"""(?<![\w@$#.\-/])
    (?:https?://[^\s<>"]+[^\s<>".,;:!?'\)\]]
    |(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|org|net|edu|gov|info|biz|app|dev|shop|online|site|store|tech|cloud|example|[a-z]{2})(?![\w.-]*@|\w)(?:/[^\s<>"]*[^\s<>".,;:!?'\)\]]|/)?)""",
    regex.IGNORECASE | regex.VERBOSE,
)
_SCHEMED_LINK = regex.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?'\)\]]", regex.IGNORECASE)
_MASTODON_MENTION = regex.compile(r"(?<![=/\w])@([\w.-]*\w)@[\w.-]+\w")
_GRAPHEME = regex.compile(r"\X")
_EMOJI = regex.compile(r"\p{Emoji_Presentation}|\p{Emoji}\uFE0F|\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3")

_LIGHT = ((0x0000, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
"""Code points that weigh one on X; all others weigh two (twitter-text, config v3)."""

_KNOWN: dict[str, Counting] = {
    "x": "x",
    "twitter": "x",
    "mastodon": "mastodon",
    "bluesky": "graphemes",
    "facebook": "utf16",
    "instagram": "utf16",
}


def counting_of(channel: Channel) -> Counting:
    """How this channel's network counts."""
    return channel.counting or _KNOWN.get(channel.network.strip().lower(), "characters")


def length(text: str, counting: Counting) -> int:
    """The length of `text` as the network counts it."""
    match counting:
        case "x":
            return _weighted(text)
        case "mastodon":
            plain = _MASTODON_MENTION.sub(r"@\1", _SCHEMED_LINK.sub("x" * URL_LENGTH, text))
            return len(_GRAPHEME.findall(plain))
        case "graphemes":
            return len(_GRAPHEME.findall(text))
        case "utf16":
            return len(text.encode("utf-16-le")) // 2
        case "characters":
            return len(text)


def _weighted(text: str) -> int:
    normal = unicodedata.normalize("NFC", text)
    without_links, links = _LINK.subn("", normal)
    return int(links) * URL_LENGTH + sum(_weight(cluster) for cluster in _GRAPHEME.findall(without_links))


def _weight(cluster: str) -> int:
    if len(cluster) == 1 and ord(cluster) <= 0x10FF:
        return 1
    if _EMOJI.match(cluster):
        return 2
    return sum(1 if any(low <= ord(one) <= high for low, high in _LIGHT) else 2 for one in cluster)
