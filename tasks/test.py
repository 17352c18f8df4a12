"""Small tasks to try a schedule with."""

import datetime
import time

from docassemble.Scheduler.scheduler_logger import log


def heartbeat():
    """Logs the time."""
    log(datetime.datetime.now().strftime("heartbeat=%m.%d.%Y %H.%M.%S"))


def test_arbitrary_params(*pargs, **kwargs):
    """Logs whatever arguments the job has."""
    log(f"pargs={pargs} kwargs={kwargs}")


def test_long_running():
    """Takes two minutes, for a look at `timeout` and `max_instances`."""
    log("Called test_long_running log")
    time.sleep(120)


def test_raise_exception():
    """Fails, for a look at mails and retries."""
    log("Called test_raise_exception log", "critical")
    raise Exception("Called test_raise_exception exc")
