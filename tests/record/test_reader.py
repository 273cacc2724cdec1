"""What `anyclue record` wrote, on disk: damaged, cut short, or something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyclue.model.errors import RequestError
from anyclue.record.reader import read_machine_recording, read_records


@pytest.mark.parametrize(
    "header", ["", "[]", "{}", '{"schema": "anyclue.record/9"}', '{"schema": "anyclue.record/1"}']
)
def test_a_damaged_header_is_one_clear_error(header: str, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(header)
    (tmp_path / "stream.gz").write_bytes(b"")
    with pytest.raises(RequestError, match=r"not a recording of `anyclue record`"):
        read_machine_recording(tmp_path)


def test_a_stream_that_is_none_is_told_from_one_that_was_cut_short(tmp_path: Path) -> None:
    stream = tmp_path / "stream.gz"
    for cut_short in (b"", b"\x1f", b"\x1f\x8b\x08\x00"):
        stream.write_bytes(cut_short)
        assert not list(read_records(stream))
    stream.write_bytes(b"garbage")
    with pytest.raises(ValueError, match="not in gzip format"):
        list(read_records(stream))
