"""A context manager to try `contextmanager` with."""

from docassemble.Scheduler.scheduler_logger import log


class SchedulerContext:
    """Logs that a job begins and ends."""

    def __enter__(self):
        log("Entering the context")
        return self

    def __exit__(self, exc_type, exc_value, exc_traceback):
        log(f"Leaving the context, exception={exc_value!r}")
        return False
