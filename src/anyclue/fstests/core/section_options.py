"""What the options are in each section of ``local.config`` when check runs it.

The facts are from fstests' ``common/config`` (``get_next_config``): options carry over from the
sections that ran before; four of them go back to the file system's own where FSTYP changes and
the section does not set them, and log and realtime devices go where USE_EXTERNAL is not set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anyclue.fstests.core.model import ConfigSection

RESET_WITH_FSTYP = ("MOUNT_OPTIONS", "TEST_FS_MOUNT_OPTS", "MKFS_OPTIONS", "FSCK_OPTIONS")
"""Options that do not carry over to a section with another FSTYP."""

EXTERNAL_DEVICES = ("TEST_RTDEV", "TEST_LOGDEV", "SCRATCH_RTDEV", "SCRATCH_LOGDEV")
"""Options that another FSTYP takes away where the section does not set USE_EXTERNAL."""

# FSTYP: what is always there, the option whose value follows it.
_MOUNT = {
    "9p": ("", "PLAN9_MOUNT_OPTIONS"),
    "fuse": ("", "FUSE_MOUNT_OPTIONS"),
    "xfs": ("", "XFS_MOUNT_OPTIONS"),
    "udf": ("", "UDF_MOUNT_OPTIONS"),
    "nfs": ("", "NFS_MOUNT_OPTIONS"),
    "afs": ("", "AFS_MOUNT_OPTIONS"),
    "cifs": ("", "CIFS_MOUNT_OPTIONS"),
    "ceph": ("", "CEPHFS_MOUNT_OPTIONS"),
    "glusterfs": ("", "GLUSTERFS_MOUNT_OPTIONS"),
    "overlay": ("", "OVERLAY_MOUNT_OPTIONS"),
    "ext2": ("-o acl,user_xattr", "EXT_MOUNT_OPTIONS"),
    "ext3": ("-o acl,user_xattr", "EXT_MOUNT_OPTIONS"),
    "ext4": ("-o acl,user_xattr", "EXT_MOUNT_OPTIONS"),
    "f2fs": ("-o acl,user_xattr", "F2FS_MOUNT_OPTIONS"),
    "reiser4": ("", "REISER4_MOUNT_OPTIONS"),
    "gfs2": ("-o acl", "GFS2_MOUNT_OPTIONS"),
    "tmpfs": ("-o size=1G", "TMPFS_MOUNT_OPTIONS"),
    "ubifs": ("", "UBIFS_MOUNT_OPTIONS"),
}
# FSTYP: the option whose value is used, what follows it.
_MKFS = {
    "xfs": ("XFS_MKFS_OPTIONS", ""),
    "udf": ("UDF_MKFS_OPTIONS", ""),
    "nfs": ("NFS_MKFS_OPTIONS", ""),
    "afs": ("AFS_MKFS_OPTIONS", ""),
    "cifs": ("CIFS_MKFS_OPTIONS", ""),
    "ceph": ("CEPHFS_MKFS_OPTIONS", ""),
    "reiser4": ("REISER4_MKFS_OPTIONS", ""),
    "gfs2": ("GFS2_MKFS_OPTIONS", "-O -p lock_nolock"),
    "jfs": ("JFS_MKFS_OPTIONS", "-q"),
    "f2fs": ("F2FS_MKFS_OPTIONS", ""),
    "btrfs": ("BTRFS_MKFS_OPTIONS", ""),
    "bcachefs": ("BCACHEFS_MKFS_OPTIONS", ""),
}
_FSCK = {"ext2": "-nf", "ext3": "-nf", "ext4": "-nf", "f2fs": ""}


def carried(
    sections: Sequence[ConfigSection], run: Sequence[str] = (), *, fstyp: str = "xfs"
) -> tuple[ConfigSection, ...]:
    """Return the sections that are run, in the file's order, with all their options.

    ``run`` names those (``-s``); without any, all are. check reads the first section of the file
    in any case, and of the others only those that it runs. ``fstyp`` is the file system on
    TEST_DEV, which counts where no section sets FSTYP; check's own default is xfs.
    """
    options: dict[str, str] = {}
    found = []
    for at, section in enumerate(sections):
        runs = not run or section.name in run
        if runs or at == 0:
            options = _next(options, section.options, fstyp)
        if runs:
            found.append(ConfigSection(name=section.name, options=dict(options)))
    return tuple(found)


def _next(before: Mapping[str, str], own: Mapping[str, str], fstyp: str) -> dict[str, str]:
    options = {**before, **own}
    options["FSTYP"] = options.get("FSTYP") or fstyp
    changed = bool(before) and before["FSTYP"] != options["FSTYP"]
    if changed or not before:
        defaults = _defaults(options)
        options |= {name: own.get(name) or defaults[name] for name in RESET_WITH_FSTYP}
    else:
        options |= {name: own.get(name) or before[name] for name in RESET_WITH_FSTYP}
    if changed and not own.get("USE_EXTERNAL"):
        for name in ("USE_EXTERNAL", *EXTERNAL_DEVICES):
            options.pop(name, None)
    elif before and not own.get("USE_EXTERNAL") and before.get("USE_EXTERNAL"):
        options["USE_EXTERNAL"] = before["USE_EXTERNAL"]
    return options


def _defaults(options: Mapping[str, str]) -> dict[str, str]:
    """Return what check sets for a file system where a section does not say."""
    fstyp = options["FSTYP"]
    always, mount = _MOUNT.get(fstyp, ("", ""))
    mkfs, follows = _MKFS.get(fstyp, ("", ""))
    mounted = _joined(always, options.get(mount, ""))
    fsck = "--yes" if fstyp.startswith("reiser") else _FSCK.get(fstyp, "-n")
    return {
        "MOUNT_OPTIONS": mounted,
        "TEST_FS_MOUNT_OPTS": mounted,
        "MKFS_OPTIONS": _joined(options.get(mkfs, ""), follows),
        "FSCK_OPTIONS": fsck,
    }


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
