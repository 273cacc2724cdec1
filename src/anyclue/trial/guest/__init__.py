"""QEMU guests: images, machines, QMP, the agent channel, snapshots."""
