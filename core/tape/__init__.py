"""The tape: raw frames and log entries with their receive times, on disk, in checksummed chunks."""
