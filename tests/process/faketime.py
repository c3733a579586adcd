"""Another time of day for a program, by libfaketime; the steady clock stays."""

import glob
import os


class FakeTime:
    """The time of day as a program under `prefix` sees it."""

    def __init__(self, folder):
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        assert libraries, "the package libfaketime is missing"
        self._file = folder / "clock"
        self.shift(0)
        # The times of files stay as they are: libfaketime would move those of
        # old files as well, and takes a semaphore for each. A levelkeep-check
        # that is killed with the semaphore would block our program for ever.
        self.prefix = ["env", f"LD_PRELOAD={libraries[0]}",
                       f"FAKETIME_TIMESTAMP_FILE={self._file}",
                       "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1",
                       "NO_FAKE_STAT=1"]

    def shift(self, seconds):
        """Sets the clock so far from now, also for a running program."""
        other = self._file.with_name("clock.new")
        other.write_text(f"{seconds:+d}\n")
        os.replace(other, self._file)
