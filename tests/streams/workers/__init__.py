"""Worker processes that the tests of the driver start, stop and kill."""
