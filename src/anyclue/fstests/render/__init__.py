"""Tests of fstests in reports. Pure."""
