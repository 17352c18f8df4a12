"""What PyYAML and APScheduler make of a document or a trigger: JSON lines in, one answer a line out.

    {"yaml": TEXT}                              {"json": VALUE}, or {"beyond": WHY}: it is read, and
                                                no JSON form of ours can hold it, or
                                                {"slow": true}
    {"trigger": KEYS, "from": TIME, "count": N} {"fires": [TIME, …], "ended": BOOL}, or
                                                {"slow": true}
    either may be refused                       {"error": WHY}
"""

import base64
import datetime
import json
import signal
import sys

import yaml
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

KINDS = {"cron": CronTrigger, "date": DateTrigger, "interval": IntervalTrigger}

# How long a trigger may be searched for its fires, in seconds.
LONGEST = 0.5

# The largest integer that JSON keeps exactly, 2^53-1.
LARGEST_INT = (1 << 53) - 1


class Beyond(Exception):
    """A value that has no JSON form."""


class Slow(Exception):
    """The search for a fire takes too long."""


def text_form(text):
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise Beyond("half of a surrogate pair")
    return text


def map_form(pairs, above):
    plain = all(isinstance(key, str) and not key.startswith("$") for key in pairs)
    if plain:
        return {text_form(key): form(value, above) for key, value in pairs.items()}
    return {"$map": [[form(key, above), form(value, above)] for key, value in pairs.items()]}


def form(value, above=()):
    """The JSON form of a value; `above` are the ids of the collections around it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text_form(value)
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_INT else {"$int": str(value)}
    if isinstance(value, float):
        return {"$float": repr(value)}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"$date": value.isoformat()}
    if id(value) in above:
        raise Beyond("recursive")
    above = (*above, id(value))
    if isinstance(value, list):
        return [form(item, above) for item in value]
    if isinstance(value, tuple):
        return {"$tuple": [form(item, above) for item in value]}
    if isinstance(value, set):
        return {"$set": [form(item, above) for item in value]}
    if isinstance(value, dict):
        return map_form(value, above)
    raise Beyond(f"a Python object: {type(value).__name__}")


def read(text):
    value = yaml.load(text, Loader=yaml.FullLoader)
    try:
        return {"json": form(value)}
    except Beyond as why:
        return {"beyond": str(why)}


def fires(keys, start, count):
    kind = KINDS[keys.pop("type")]
    trigger = kind(**keys)
    found = []
    previous, now = None, datetime.datetime.fromisoformat(start)
    while len(found) < count:
        fire = trigger.get_next_fire_time(previous, now)
        if fire is None:
            return {"fires": found, "ended": True}
        found.append(fire.isoformat())
        previous = now = fire
    return {"fires": found, "ended": False}


def too_slow(_signal, _frame):
    raise Slow


def answer(question):
    try:
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        if "yaml" in question:
            return read(question["yaml"])
        return fires(question["trigger"], question["from"], question["count"])
    except Slow:
        return {"slow": True}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    signal.signal(signal.SIGALRM, too_slow)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


main()
