#!/usr/bin/env python3
"""Measures what `sched watch` sustains: a thousand jobs of every second, five of them slow.

    cargo build --release && python3 benches/load.py [SECONDS] [target/release/sched]

Tells how many fires were lost, how late tasks began, how memory and descriptors grew, and whether
history and log have a line of everything. Ends with 1 where anything is missing.
"""

import collections
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

JOBS = 1000  # of every second, the slow ones included
SLOW = 5  # run longer than their interval: every other fire of them is skipped

# Writes how late it began, in nanoseconds: one short line, so that it is whole.
TASK = """#!/bin/sh
now=$(date +%s%N)
echo "$((now - SCHED_DUE_NS))" >> "$LATE"
"""


def config(path):
    """A config whose intervals all count from the same second."""
    lines = ["timezone: UTC", "scheduler:", "  log level: debug"]
    for number in range(JOBS):
        command = "exec sleep 1.5" if number < SLOW else "exec " + path + "/task"
        lines += [
            "  job%d:" % number,
            "    type: interval",
            "    seconds: 1",
            "    command: " + command,
            "    environment: {LATE: %s/late}" % path,
        ]
    return "\n".join(lines) + "\n"


def resources(pid):
    """Resident memory in MiB, and open descriptors."""
    with open("/proc/%d/statm" % pid) as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir("/proc/%d/fd" % pid))


def watch(sched, path, seconds):
    """Lets it run; gives (second, MiB, descriptors) every few seconds, and its processor time."""
    places = ["--state-dir", path + "/state", "--log-dir", path + "/log"]
    command = [sched, "watch", "-q", "-c", path + "/config.yml", *places]
    with open(path + "/out", "w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out)
        began, samples = time.monotonic(), []
        while time.monotonic() - began < seconds:
            time.sleep(min(5, seconds / 6))
            samples.append((time.monotonic() - began, *resources(child.pid)))
        with open("/proc/%d/stat" % child.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        processor = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
        child.send_signal(signal.SIGTERM)
        code = child.wait(60)
    assert code == 0, code
    return samples, processor, places


def history(sched, path, places):
    """The records: how many in each way, and the fire times of each job."""
    command = [sched, "history", "-q", "-n", "100000000", "--format", "json", "-c"]
    command += [path + "/config.yml", *places]
    outcomes, fires, ran = collections.Counter(), collections.defaultdict(set), 0
    doubled = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        for line in child.stdout:
            record = json.loads(line)
            outcomes[record["outcome"]] += 1
            ran += record["outcome"] in ("success", "failure", "timeout", "killed", "interrupted")
            at = datetime.datetime.fromisoformat(record["scheduled_for"]).timestamp()
            doubled += at in fires[record["job"]]
            fires[record["job"]].add(at)
    return outcomes, fires, ran, doubled


def gaps(fires):
    """How many seconds between the first and the last fire of each job have no record."""
    return sum(round(max(own) - min(own)) + 1 - len(own) for own in fires.values())


def log_lines(path):
    """How many lines the logs have, and how many of them are torn."""
    lines = torn = calls = 0
    for name in os.listdir(path + "/log"):
        with open(path + "/log/" + name, errors="replace") as file:
            for line in file:
                lines += 1
                calls += "Calling task '" in line
                torn += not (line.startswith(("scheduler: ", "    ")) and line.endswith("\n"))
    return lines, torn, calls


def percentiles(path):
    """How late tasks began, in milliseconds."""
    with open(path + "/late") as file:
        late = sorted(int(line) / 1e6 for line in file)
    rank = lambda percent: late[min(len(late) - 1, int(len(late) * percent / 100))]
    return len(late), {percent: round(rank(percent), 1) for percent in (50, 90, 99, 99.9, 100)}


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    sched = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else "target/release/sched")
    with tempfile.TemporaryDirectory() as path:
        for name, text in (("task", TASK), ("config.yml", config(path))):
            with open(path + "/" + name, "w") as file:
                file.write(text)
        os.chmod(path + "/task", 0o755)
        samples, processor, places = watch(sched, path, seconds)
        outcomes, fires, ran, doubled = history(sched, path, places)
        lost = gaps(fires)
        lines, torn, calls = log_lines(path)
        effects, late = percentiles(path)
        print("records     %d in %.0f s: %s" % (sum(outcomes.values()), seconds, dict(outcomes)))
        print("rate        %.0f runs a second" % (ran / seconds))
        print("lost        %d fires without a record, %d with two" % (lost, doubled))
        print("late        of %d tasks, ms by percent: %s" % (effects, late))
        print("processor   %.1f s, %.2f ms a run" % (processor, 1000 * processor / max(ran, 1)))
        for second, mib, descriptors in samples:
            print("at %5.0f s   %6.1f MiB  %4d descriptors" % (second, mib, descriptors))
        database = sum(os.path.getsize(path + "/state/" + name)
                       for name in os.listdir(path + "/state") if ".db" in name)
        print("database    %.1f MiB" % (database / 2**20))
        print("log         %d lines, %d torn, %d of %d calls" % (lines, torn, calls, ran))
        sys.exit(bool(lost or doubled or torn or calls != ran))


if __name__ == "__main__":
    main()
