"""From what a user pipes in to patches in their order: a diff, ``git show``, a mail, an mbox."""

from __future__ import annotations

import email
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message

_MBOX = re.compile(
    rb"^From \S+ +(?:at \S+ +)?\w{3} +\w{3} +\d+ +\d\d:\d\d(?::\d\d)? +\d{4}\b[^\n]*\n",
    re.MULTILINE,
)
_HEADER = re.compile(rb"(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+\r?\n")
_MAIL_HEADER = re.compile(rb"^(?:From|Subject|Message-ID):", re.MULTILINE | re.IGNORECASE)
_COMMIT = re.compile(rb"^commit [0-9a-f]{40,64}\b[^\n]*\n", re.MULTILINE)
_LOG_SUBJECT = re.compile(rb"^ {4}(\S[^\n]*)$", re.MULTILINE)
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[mK]")
_TAGS = re.compile(r"^(?:\s*\[[^\]]*\])+\s*")
_SUBJECT_LIMIT = 1000
_NUMBER = re.compile(r"\[[^\]]*?\b(\d+)/(\d+)\s*\]")
_DIFF_LINE = re.compile(rb"^(?:diff --git |--- \S)[^\n]*\n", re.MULTILINE)
_DIFF = re.compile(rb"^(?:diff --git |--- \S)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One patch as text: its subject, without ``[PATCH]``, and what holds the diff."""

    subject: str
    body: bytes
    place: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class PatchSeries:
    """Patches in the order in which they stand, and whether it may be the other way round."""

    mails: tuple[Mail, ...]
    newest_first: bool = False


def split(text: bytes) -> PatchSeries:
    """Return the patches in ``text``, in the order in which they are to be applied.

    A mail series is ordered by its numbers (``[PATCH 2/5]``) when each number is there once.
    ``git log`` prints the newest first, unless asked not to: the caller has to try.
    """
    text = _COLOUR.sub(b"", text) if b"\x1b[" in text else text
    parts = _cut(text, _MBOX, keep=False)
    if len(parts) > 1:
        return PatchSeries(mails=_ordered([_mail(part) for part in parts[1:]]))
    header = _HEADER.match(text)
    if header and _MAIL_HEADER.search(header[0]):
        return PatchSeries(mails=(_mail(text),))
    commits = _cut(text, _COMMIT, keep=True)
    if len(commits) > 1:
        mails = tuple(Mail(subject=_log_subject(part), body=part) for part in commits[1:])
        return PatchSeries(mails=mails, newest_first=len(mails) > 1)
    return PatchSeries(mails=(Mail(subject="", body=text),))


def _cut(text: bytes, begin: re.Pattern[bytes], *, keep: bool) -> list[bytes]:
    """Cut where ``begin`` matches; what stands before the first is the first part."""
    found = list(begin.finditer(text))
    starts = [match.start() if keep else match.end() for match in found]
    ends = [match.start() for match in found] + [len(text)]
    return [text[: ends[0]]] + [
        text[start:end] for start, end in zip(starts, ends[1:], strict=True)
    ]


def _mail(text: bytes) -> Mail:
    try:
        message = email.message_from_bytes(text)
    except RecursionError:  # parts within parts within parts
        return Mail(subject="", body=text)
    subject = " ".join(_subject(message).split())
    number = _NUMBER.search(subject)
    place = (int(number[1][:6]), int(number[2][:6])) if number else None
    return Mail(subject=_TAGS.sub("", subject), body=_body(message, text), place=place)


def _ordered(mails: Sequence[Mail]) -> tuple[Mail, ...]:
    patches = [mail for mail in mails if _DIFF.search(mail.body)]
    places = [mail.place for mail in patches if mail.place is not None]
    one_series = len({total for _, total in places}) == 1 and len(set(places)) == len(patches)
    if not one_series:
        return tuple(mails)
    return tuple(sorted(patches, key=lambda mail: mail.place or (0, 0)))


def _subject(message: Message) -> str:
    raw = message.get("Subject", "")
    raw = raw[:_SUBJECT_LIMIT] if isinstance(raw, str) else raw
    try:
        return str(make_header(decode_header(raw)))[:_SUBJECT_LIMIT]
    except (MessageError, LookupError, ValueError):
        return str(raw)[:_SUBJECT_LIMIT]


def _body(message: Message, text: bytes) -> bytes:
    """Return all text of a mail, decoded; the mail itself where it cannot be read."""
    try:
        parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
        bodies = [part.get_payload(decode=True) for part in parts]
    except (MessageError, LookupError, ValueError, AttributeError, RecursionError):
        return text
    found = [_utf8(body, part) for body, part in zip(bodies, parts, strict=True) if body]
    return _line_ends(b"\n".join(found))


def _line_ends(body: bytes) -> bytes:
    r"""Return a body without the ``\r\n`` of mail, which git's own lines have only there."""
    own = _DIFF_LINE.search(body)
    return body.replace(b"\r\n", b"\n") if own and own[0].endswith(b"\r\n") else body


def _utf8(body: object, part: Message) -> bytes:
    """Return a body in UTF-8, as kernel sources are; as it is, where its charset is not true."""
    if not isinstance(body, bytes):
        return b""
    charset = part.get_content_charset("utf-8")
    try:
        return body.decode(charset).encode()
    except (LookupError, ValueError):
        return body


def _log_subject(text: bytes) -> str:
    found = _LOG_SUBJECT.search(text)
    return found[1].decode(errors="replace").strip() if found else ""
