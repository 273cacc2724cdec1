"""QEMU guests: images, machines, QMP, the agent channel, snapshots."""

from anyclue.guests.accelerator import blank_disks
from anyclue.guests.channel import (
    Agent,
    GuestGoneError,
    GuestSilentError,
    Reply,
    pump_telemetry,
)
from anyclue.guests.images import Images
from anyclue.guests.initramfs import Tool
from anyclue.guests.machine import Boot, Disks, Guest, running

__all__ = [
    "Agent",
    "Boot",
    "Disks",
    "Guest",
    "GuestGoneError",
    "GuestSilentError",
    "Images",
    "Reply",
    "Tool",
    "blank_disks",
    "pump_telemetry",
    "running",
]
