"""The contenders of ``callwatch bench throughput``: each has ``run(job)`` and is a process of its own."""
