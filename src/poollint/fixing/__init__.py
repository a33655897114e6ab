"""Mends what a check finds: applies the edits of fixes, checks that they helped, and writes the files.

The rounds happen in memory (`mending.mend`); files are written once, at the end (`writing.write`).
"""

PENDING = ".poollint-pending-fix.json"
"""In the root of a program while a fix that edits several files is written; left there by a process that was killed."""
