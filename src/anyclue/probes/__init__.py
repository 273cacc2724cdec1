"""Evidence beyond counters: what each probe does in a guest, and what its raw data says.

Pure: text and bytes in, values out.
"""

from anyclue.probes.stored import readings_from_json, readings_to_json

__all__ = ["readings_from_json", "readings_to_json"]
