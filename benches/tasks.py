#!/usr/bin/env python3
"""Measures how promptly tasks start, how fast a burst ends, and what a run by hand costs.

    cargo build --release && python3 benches/tasks.py [target/release/sched] [PYTHON]

Each figure stands beside its rival's, taken in the same minute on the same machine. They mean
something only where nothing else runs. APScheduler is had as `size.py` has it.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from size import apscheduler

SECONDS = 30  # of the job of every second
BURST = 1000  # functions that are due at once
TIMES = 31  # runs by hand

TASKS = """\
import os, time
def due():
    now = time.time_ns()
    with open(os.path.dirname(__file__) + '/../late', 'a') as file:
        file.write('%d\\n' % (now - int(os.environ['SCHED_DUE_NS'])))
def nothing(): pass
"""

# Calls a function in a thread once a second, which tells how late it is, in milliseconds.
THREAD = """\\
import datetime, sys, time
from apscheduler.schedulers.background import BackgroundScheduler
first = int(time.time()) + 2
def due(): print((time.time_ns() - first * 10**9) % 10**9 / 1e6, flush=True)
scheduler = BackgroundScheduler(timezone='UTC')
at = datetime.datetime.fromtimestamp(first, datetime.timezone.utc)
scheduler.add_job(due, 'interval', seconds=1, start_date=at)
scheduler.start()
time.sleep(int(sys.argv[1]) + 2)
"""

# A warm Python that forks for each call, and nothing else.
RIVAL = """\
import os, sys
sys.path.append(sys.argv[1])
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        import t
        t.nothing()
        os._exit(0)
    os.waitpid(child, 0)
"""


@contextlib.contextmanager
def folder(config):
    """A folder with the tasks and a config of that text."""
    with tempfile.TemporaryDirectory() as path:
        os.mkdir(path + "/tasks")
        for name, text in (("tasks/t.py", TASKS), ("config.yml", "scheduler:\n" + config)):
            with open(os.path.join(path, name), "w") as file:
                file.write(text)
        yield path


def command(sched, path, *words):
    places = ["--state-dir", path + "/state", "--log-dir", path + "/log"]
    return [sched, *words, "-c", path + "/config.yml", *places]


def measure_start(sched, python):
    """How long after its due time a function is at its first line."""
    job = "  python: %s\n  t.due: {type: interval, seconds: 1}\n" % python
    with folder(job) as path:
        watch = subprocess.Popen(command(sched, path, "watch", "-q"))
        time.sleep(SECONDS + 1)
        watch.terminate()
        watch.wait()
        with open(path + "/late") as file:
            ours = middle_and_last(int(line) / 1e6 for line in file)
    print("start: median %.2f ms, p99 %.2f ms" % ours, end="")
    with apscheduler(python) as rival:
        if rival:
            told = subprocess.check_output([rival, "-c", THREAD, str(SECONDS)], text=True)
            theirs = middle_and_last(map(float, told.split()))
            ratios = (ours[0] / theirs[0], ours[1] / theirs[1])
            print("; rival median %.2f ms, p99 %.2f ms" % theirs, end="")
            print(", ratios %.2f, %.2f" % ratios, end="")
    print()


def middle_and_last(figures):
    """The median, and what 99 of a hundred are not above."""
    figures = sorted(figures)
    return statistics.median(figures), figures[int(len(figures) * 0.99)]


def measure_burst(sched, python):
    """How long it takes from the instant at which many functions are due to the end of the last."""
    at = time.time() + 10
    due = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    job = "  t.nothing %d: {type: date, run_date: '" + due + "'}\n"
    jobs = "".join(job % number for number in range(BURST))
    with folder("  python: %s\n  timezone: UTC\n%s" % (python, jobs)) as path:
        log = path + "/log/scheduler.log"
        watch = subprocess.Popen(command(sched, path, "watch", "-q"))
        ended = 0
        while ended < BURST and time.time() < at + 120:
            # Seldom: this needs a processor, too, and the rival is waited for without.
            time.sleep(0.5)
            with contextlib.suppress(OSError), open(log) as file:
                ended = file.read().count("succeeded in")
        took = os.stat(log).st_mtime - int(at)
        watch.terminate()
        watch.wait()
        half = [python, "-c", RIVAL, path + "/tasks", str(BURST // 2)]
        start = time.time()
        for rival in [subprocess.Popen(half) for _ in range(2)]:
            rival.wait()
        rival = time.time() - start
    print("burst of %d: %.2f s, rival %.2f s, ratio %.2f" % (ended, took, rival, took / rival))


def measure_by_hand(sched, python):
    """What a run by hand costs, from the start of the program to its end."""
    with folder("  python: %s\n  t.nothing: {type: interval, hours: 1}\n" % python) as path:
        ours, rivals = [], []
        for _ in range(TIMES):
            rivals.append(timed([python, "-c", "import t; t.nothing()"], path + "/tasks"))
            ours.append(timed(command(sched, path, "run-once", "-q", "t.nothing"), path))
    took, rival = statistics.median(ours), statistics.median(rivals)
    print("by hand: %.1f ms, rival %.1f ms, ratio %.2f" % (took, rival, took / rival))


def timed(words, where):
    start = time.perf_counter()
    subprocess.run(words, cwd=where, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def main():
    sched = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/sched")
    python = sys.argv[2] if len(sys.argv) > 2 else sys.executable
    measure_by_hand(sched, python)
    measure_burst(sched, python)
    measure_start(sched, python)


if __name__ == "__main__":
    main()
