"""Samples, marks and logs: parse, store, read back."""

from anyclue.recordings.run_directory import RunDirectory
from anyclue.recordings.store import read_recording, write_recording
from anyclue.recordings.telemetry import Telemetry, format_mark, raw_pieces, read_telemetry

__all__ = [
    "RunDirectory",
    "Telemetry",
    "format_mark",
    "raw_pieces",
    "read_recording",
    "read_telemetry",
    "write_recording",
]
