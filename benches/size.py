#!/usr/bin/env python3
"""Measures what many jobs cost that wait: time, memory, wake-ups, a reload, a fire among them.

    cargo build --release && python3 benches/size.py [target/release/sched] [PYTHON]

APScheduler does the same beside it, in a venv that this makes with PYTHON; without network it is
left out. Memory is that of the process alone, pages of its files included. Linux only.
"""

import contextlib
import datetime
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SIZES = [10, 1000, 10000, 100000]
STARTS = 5  # of which the median counts
IDLE = 30  # seconds in which nothing is due
FIRES = 20  # seconds with a fire in each
SAVES = 7  # of a config of which one job changed
SETTLING = 15  # seconds until all is written down and looked up
AFTER = 2  # seconds to look on after a reload
APSCHEDULER = ["APScheduler==3.11.1", "PyYAML==6.0.4"]

# Reads the same config, adds its jobs as APScheduler's users do, and says when it is ready.
RIVAL = """\
import sys, time, yaml
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
def nothing(*args, **kwargs): pass
scheduler = BackgroundScheduler(timezone='UTC')
with open(sys.argv[1]) as file:
    jobs = yaml.load(file, yaml.CSafeLoader)['scheduler']
for name, job in jobs.items():
    if '.' not in name: continue
    kind = job.pop('type')
    expression = job.pop('expression', None)
    args, kwargs = job.pop('args', None), job.pop('kwargs', None)
    trigger = CronTrigger.from_crontab(expression, timezone='UTC') if expression else kind
    scheduler.add_job(nothing, trigger, args, kwargs, id=name, **({} if expression else job))
scheduler.start()
print('ready', flush=True)
time.sleep(1000)
"""


# Ten days away, and the same each time: nothing is due while this measures, and a config that is
# written again differs only where it is meant to.
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)
FAR = NOW + datetime.timedelta(days=10)


def config(count, first="{type: interval, days: 1}"):
    """A config of so many jobs of all kinds; `first` is what the first one says."""
    day, date = FAR.day, FAR.isoformat()
    kinds = [
        "{type: interval, hours: %d, args: [%d, 'a text']}",
        "{type: interval, days: %d, kwargs: {size: %d, name: report}}",
        "{type: cron, day: '" + str(day) + "', hour: %d, minute: %d}",
        "{type: cron, month: '*/2', day: " + str(day) + ", hour: '%d,12', minute: %d}",
        "{type: cron, expression: '%d %d " + str(day) + " * *', max_instances: 2}",
        "{type: date, run_date: '" + date + "', args: [%d, %d]}",
    ]
    lines = ["scheduler:", "  timezone: UTC", "  t.nothing 0: " + first]
    for number in range(1, count):
        kind = kinds[number % len(kinds)]
        lines.append("  t.nothing %d: " % number + kind % (2 + number % 20, 3 + number % 19))
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def folder(text):
    """A folder with a task and a config of that text."""
    with tempfile.TemporaryDirectory() as path:
        os.mkdir(path + "/tasks")
        save(path + "/tasks/t.py", "def nothing(*args, **kwargs): pass\n")
        save(path + "/config.yml", text)
        yield path


def save(path, text):
    with open(path + "~", "w") as file:
        file.write(text)
    os.rename(path + "~", path)


class Watch:
    """`sched watch` of a folder, which says here when it is ready."""

    def __init__(self, sched, path):
        self.path = path
        self.words = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.words.bind(path + "/notify")
        places = ["--state-dir", path + "/state", "--log-dir", path + "/log"]
        words = [sched, "watch", "-q", "-c", path + "/config.yml", *places]
        environment = dict(os.environ, NOTIFY_SOCKET=path + "/notify")
        start = time.perf_counter()
        self.process = subprocess.Popen(words, env=environment)
        self.wait("READY=1")
        self.took = time.perf_counter() - start

    def wait(self, word):
        self.words.settimeout(120)
        while word not in self.words.recv(4096).decode():
            pass

    def socket(self):
        """Where it answers as long as its loop goes round."""
        for name in os.listdir(self.path + "/state"):
            if name.endswith(".sock"):
                return os.path.join(self.path, "state", name)
        raise SystemExit("no socket in the state folder")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.words.close()


def memory(pid, what):
    """VmRSS or VmHWM, in MB."""
    with open("/proc/%d/status" % pid) as file:
        line = next(line for line in file if line.startswith(what))
    return int(line.split()[1]) * 1024 / 1e6


def activity(pid):
    """Seconds on a processor and times that a thread went to sleep, all threads together."""
    busy = switches = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with contextlib.suppress(OSError):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as file:
                busy += int(file.read().split()[0])
            with open("/proc/%d/task/%s/status" % (pid, task)) as file:
                line = next(line for line in file if line.startswith("voluntary_ctxt"))
                switches += int(line.split()[1])
    return busy / 1e9, switches


def settled(pid):
    """Waits until it does nothing any more."""
    before = None
    while before != activity(pid):
        before = activity(pid)
        time.sleep(2)


def measure_size(sched, rival):
    """How soon so many jobs are ready, and what they cost while they wait."""
    print("%8s %9s %9s %9s %9s %9s   %s" % ("jobs", "ready", "RSS", "peak", "CPU", "switches", "rival"))
    for count in SIZES:
        took = starts(sched, count)
        with folder(config(count)) as path, Watch(sched, path) as watch:
            pid = watch.process.pid
            took = statistics.median([*took, watch.took])
            settled(pid)
            before = activity(pid)
            time.sleep(IDLE)
            busy, switches = (after - first for first, after in zip(before, activity(pid)))
            figures = (count, took, memory(pid, "VmRSS"), memory(pid, "VmHWM"), busy * 1e3, switches)
            print("%8d %7.3f s %6.1f MB %6.1f MB %6.2f ms %9d   " % figures, end="")
            print(beside(rival, path, took, memory(pid, "VmHWM")), flush=True)


def starts(sched, count):
    """How long starts took, each with new folders: one alone may have met something else."""
    took = []
    for _ in range(STARTS - 1):
        with folder(config(count)) as path, Watch(sched, path) as watch:
            took.append(watch.took)
            settled(watch.process.pid)
    return took


def beside(rival, path, took, peak):
    """The rival's figures for the same config, and ours as a part of them."""
    if not rival:
        return "-"
    start = time.perf_counter()
    with subprocess.Popen([rival, "-c", RIVAL, path + "/config.yml"], stdout=subprocess.PIPE) as one:
        one.stdout.readline()
        theirs = time.perf_counter() - start
        size = memory(one.pid, "VmHWM")
        one.kill()
    return "%.2f s, %.0f MB: time x %.3f, memory x %.2f" % (theirs, size, took / theirs, peak / size)


def measure_reload(sched):
    """From the save of a config of which one job changed until it is in force."""
    for count in SIZES[2:]:
        with folder(config(count)) as path, Watch(sched, path) as watch:
            settled(watch.process.pid)
            peer = watch.socket()
            took, blocked = [], []
            for number in range(SAVES):
                text = config(count, "{type: interval, days: %d}" % (number + 2))
                with longest_silence(peer) as silence:
                    start = time.perf_counter()
                    save(path + "/config.yml", text)
                    watch.wait("READY=1")
                    took.append(time.perf_counter() - start)
                    time.sleep(AFTER)
                blocked.append(max(silence))
            figures = (count, sorted(took)[SAVES // 2] * 1e3, max(took) * 1e3, max(blocked) * 1e3)
            peak = memory(watch.process.pid, "VmHWM")
            print("reload of 1 in %d: median %.0f ms, worst %.0f ms, loop silent for %.1f ms" % figures, end="")
            print(", peak %.1f MB" % peak, flush=True)


@contextlib.contextmanager
def longest_silence(peer):
    """Asks all the time whether the loop goes round, and lists how long each answer took."""
    silence, end = [], threading.Event()

    def ask():
        while not end.is_set():
            start = time.perf_counter()
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(peer)
                one.recv(100)
            silence.append(time.perf_counter() - start)
            time.sleep(0.0005)

    asker = threading.Thread(target=ask)
    asker.start()
    yield silence
    end.set()
    asker.join()


def measure_fire(sched):
    """What a fire costs the scheduler itself, among few and among many that wait."""
    for count in (SIZES[0], SIZES[-1]):
        first = "{type: interval, seconds: 1, command: ['true']}"
        with folder(config(count, first)) as path, Watch(sched, path) as watch:
            time.sleep(SETTLING)
            before = activity(watch.process.pid)
            time.sleep(FIRES)
            busy = activity(watch.process.pid)[0] - before[0]
            figures = (count, busy * 1e3 / FIRES, memory(watch.process.pid, "VmRSS"))
            print("a fire among %d: %.2f ms of CPU, RSS then %.1f MB" % figures, flush=True)


@contextlib.contextmanager
def apscheduler(python):
    """A Python with the rival; `None` where it cannot be had."""
    with tempfile.TemporaryDirectory() as path:
        made = subprocess.run([python, "-m", "venv", path], stdout=subprocess.DEVNULL)
        rival = path + "/bin/python"
        install = [rival, "-m", "pip", "install", "--quiet", *APSCHEDULER]
        if made.returncode == 0 and subprocess.run(install).returncode == 0:
            yield rival
        else:
            yield None


def main():
    sched = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/sched")
    python = sys.argv[2] if len(sys.argv) > 2 else sys.executable
    with apscheduler(python) as rival:
        measure_size(sched, rival)
    measure_reload(sched)
    measure_fire(sched)


if __name__ == "__main__":
    main()
