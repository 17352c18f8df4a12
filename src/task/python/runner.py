"""Runs one task in a process of its own and reports how it ended.

Everything here is standard library and runs on Python 3.8 and later. The program that started this
process hands over a request on standard input and gets messages back on a socket of datagrams:
what is logged, and at the end one result. Standard output and standard error belong to the task.
"""

import base64
import builtins
import contextlib
import datetime
import importlib.machinery
import importlib.util
import itertools
import json
import logging
import os
import struct
import sys
import threading
import time
import traceback
import types
from collections import namedtuple

# The file names of this code and of Python's import system in tracebacks.
NOT_THEIRS = ("<sched>", "<frozen importlib.")
PACKAGE = "docassemble.Scheduler"
TASKS = PACKAGE + ".tasks"

LONGEST_MESSAGE = 256 * 1024  # characters of one log message
LONGEST_TRACEBACK = 64 * 1024  # characters
LONGEST_VALUE = 10000  # characters of a returned value


def main(stream):
    """Runs the task that the request on `stream` names; the process ends with its exit code."""
    request = json.loads(stream.read().decode("utf-8"))
    stream.close()
    channel = Channel(request["channel"])
    detach_input()
    install_logger(channel)
    result, code = Attempt(request, channel).run()
    flush_outputs()
    channel.report(result)
    sys.exit(code)


def detach_input():
    """Lets standard input be empty, now that the request is read."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if null != 0:
        os.close(null)


def flush_outputs():
    """Writes out what the task printed, as far as its streams still work."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except Exception:
            # Python would turn a second failure at its end into exit code 120.
            setattr(sys, name, None)


# --- Messages --------------------------------------------------------------------------------


class Channel:
    """The socket to the program that started this process, shared with forked children.

    A message is cut into datagrams that begin with the process, the message's number in it, the
    piece's number and whether it is the last one, so that messages of several processes and
    threads can be told apart.
    """

    HEAD = struct.Struct("!QQIB")
    PIECE = 2048 - HEAD.size  # bytes; some systems refuse datagrams above 2 KiB

    def __init__(self, descriptor):
        os.set_inheritable(descriptor, False)
        self.descriptor = descriptor
        self.identity = self.stat()
        self.started_as = os.getpid()
        self.numbers = itertools.count()

    def stat(self):
        status = os.fstat(self.descriptor)
        return status.st_dev, status.st_ino

    def send(self, message):
        """Sends `message`; a task must not fail because nobody listens any more."""
        with contextlib.suppress(OSError, RecursionError, MemoryError):
            # A task that closes all descriptors may have reused the number.
            if self.stat() != self.identity:
                return
            data = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
            head = os.getpid(), next(self.numbers)
            pieces = range(0, len(data), self.PIECE)
            for number, start in enumerate(pieces):
                last = number == len(pieces) - 1
                piece = data[start : start + self.PIECE]
                os.write(self.descriptor, self.HEAD.pack(*head, number, last) + piece)

    def note(self, level, text):
        """Logs a line of `sched` itself."""
        self.send(log_message(level, text, "sched", "run", 0))

    def report(self, result):
        """Sends the result, unless this is a child that the task forked."""
        if os.getpid() == self.started_as:
            self.send({"kind": "result", **result})


STANDARD_LEVELS = (
    ("CRITICAL", logging.CRITICAL),
    ("ERROR", logging.ERROR),
    ("WARNING", logging.WARNING),
    ("INFO", logging.INFO),
)


def log_message(level, text, file, function, line, created=None):
    """One line for the log."""
    if created is None:
        created = time.time()
    return {
        "kind": "log",
        "level": level_name(level),
        "at_us": int(created * 1000000),
        "file": shortened(file, 1000),
        "function": shortened(function, 1000),
        "line": line,
        "message": shortened(text, LONGEST_MESSAGE),
    }


def level_name(level):
    """The nearest standard level that is not above `level`."""
    return next((name for name, least in STANDARD_LEVELS if level >= least), "DEBUG")


def shortened(text, longest):
    """`text` as clean Unicode, its middle left out where it is too long."""
    if len(text) > longest:
        notice = "\n[%d characters left out]\n"
        half = (longest - len(notice) - 20) // 2
        text = text[:half] + notice % (len(text) - 2 * half) + text[-half:]
    return text.encode("utf-8", "replace").decode("utf-8")


def shown(value, longest=LONGEST_MESSAGE):
    """`str(value)`, or a placeholder for a value that cannot be shown."""
    try:
        text = str(value)
        return shortened(text if type(text) is str else str.__str__(text), longest)
    except BaseException as error:
        return "<%s whose text cannot be shown: %s>" % (type(value).__name__, type(error).__name__)


# --- Logging ---------------------------------------------------------------------------------


class SchedulerLogger(logging.Logger):
    """The logger `scheduler`, which no configuration of the task can silence."""

    disabled = property(lambda self: False, lambda self, value: None)

    def isEnabledFor(self, level):
        return True


class ChannelHandler(logging.Handler):
    """Sends what is logged."""

    def __init__(self, channel):
        super().__init__()
        self.channel = channel

    def emit(self, record):
        message = log_message(
            record.levelno,
            self.text(record),
            record.filename,
            record.funcName or "",
            record.lineno,
            record.created,
        )
        if record.levelno >= logging.CRITICAL:
            message["alarm"] = getattr(record, ALARM, None) or alarm(record)
        self.channel.send(message)

    @staticmethod
    def text(record):
        """The record's message, with its traceback and stack where it has them."""
        text = message_of(record)
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + traceback_of(record.exc_info[1]).rstrip("\n")
        if record.stack_info:
            text += "\n" + record.stack_info
        return text


def message_of(record):
    try:
        return record.getMessage()
    except Exception:
        return shown(record.msg)


# The attribute of a record that holds what its mail says.
ALARM = "_sched_alarm"


def alarm(record):
    """What the mail about a critical record says: of the exception being handled, if there is one."""
    error = (record.exc_info or sys.exc_info())[1]
    text = message_of(record)
    stack = "Current Stack:\n" + current_stack()
    if error is None:
        return described("Exception", text, stack)
    return described(
        type(error).__name__,
        "%s\nMessage: %s" % (shown(error), text),
        "Original Exception:\n%s\n%s" % (traceback_of(error), stack),
    )


def current_stack():
    """Where the task logs, as Python prints it, without our own frames and those of `logging`."""
    theirs = [
        frame
        for frame in traceback.extract_stack()
        if not frame.filename.startswith(NOT_THEIRS) and frame.filename != logging.__file__
    ]
    return "".join(traceback.format_list(theirs))


def described(name, message, trace):
    """An exception as it is reported."""
    return {
        "type": shortened(name, 1000),
        "message": shortened(message, LONGEST_TRACEBACK),
        "traceback": shortened(trace, LONGEST_TRACEBACK),
    }


def install_logger(channel):
    """Connects the logger `scheduler` to the channel, and lets lines appear as they are printed."""
    logger = logging.getLogger("scheduler")
    logger.__class__ = SchedulerLogger
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(ChannelHandler(channel))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.reconfigure(line_buffering=True)


MISSING = object()
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


def log(msg=MISSING, lvl="info", *, message=MISSING, message_level=None, level=None):
    """Writes `msg` to `scheduler.log`; a level that does not exist is taken as `info`."""
    text = msg if msg is not MISSING else message
    if text is MISSING:
        raise TypeError("log() missing 1 required positional argument: 'msg'")
    number = LEVELS.get(str(level or message_level or lvl).lower(), logging.INFO)
    logging.getLogger("scheduler").log(number, "%s", shown(text), stacklevel=2)


def get_logger():
    """The logger whose records go to `scheduler.log`."""
    return logging.getLogger("scheduler")


def error_notification(
    err, message=None, history=None, trace=None, referer=None, the_vars=None
):
    """Tells the administrator of `err`."""
    name, told = type(err).__name__, shown(err if message is None else message)
    text = "%s: %s" % (name, told)
    if trace:
        text += "\n" + shown(trace)
    mailed = described(name, told, shown(trace) if trace else traceback_of(err))
    logging.getLogger("scheduler").log(
        logging.CRITICAL, "%s", text, stacklevel=2, extra={ALARM: mailed}
    )


def docassemble_log(message):
    """Writes to docassemble's log where docassemble runs, else to standard error."""
    try:
        from docassemble.base.logger import logmessage
    except ImportError:
        print(message, file=sys.stderr)
    else:
        logmessage(message)


def set_schedule_logger():
    """Kept for tasks that call it: the logger is always set."""


# --- The package docassemble.Scheduler -------------------------------------------------------


def install_packages(request):
    """Makes `docassemble.Scheduler` importable, whether docassemble is installed or not."""
    tasks = request["tasks"]
    # Before the tasks are on the path: one of them may be called like a package.
    namespace = docassemble_package()
    never_cache(tasks)
    sys.path.extend(folder for folder in tasks if folder not in sys.path)
    installed = installed_scheduler(namespace)
    scheduler = add_module(PACKAGE, path=installed)
    namespace.Scheduler = scheduler
    scheduler.scheduler_logger = logger_module()
    scheduler.setup_scheduler = add_module(PACKAGE + ".setup_scheduler")
    scheduler.job_data = job_data_module(request)
    scheduler.tasks = add_module(TASKS, path=task_folders(tasks, installed))


def docassemble_package():
    """The package `docassemble`, an empty one where it is not installed."""
    try:
        import docassemble
    except ImportError:
        return add_module("docassemble", path=[])
    return docassemble


def installed_scheduler(namespace):
    """The folders of an installed docassemble.Scheduler, none of whose code is run."""
    spec = importlib.machinery.PathFinder.find_spec(PACKAGE, list(namespace.__path__))
    return list(spec.submodule_search_locations or []) if spec else []


def task_folders(tasks, installed):
    """Where task files are looked for, the configured folder first."""
    theirs = [os.path.join(folder, "tasks") for folder in installed]
    return tasks + [folder for folder in theirs if os.path.isdir(folder) and folder not in tasks]


def add_module(name, path=None):
    """A new module, a package where it has a `path`, known to Python as if it were imported."""
    module = types.ModuleType(name)
    spec = importlib.machinery.ModuleSpec(name, None, is_package=path is not None)
    module.__spec__ = spec
    if path is not None:
        spec.submodule_search_locations = module.__path__ = path
    module.__package__ = name if path is not None else name.rpartition(".")[0]
    sys.modules[name] = module
    return module


def logger_module():
    """The module that tasks import `log` from."""
    module = add_module(PACKAGE + ".scheduler_logger")
    for function in (
        log,
        get_logger,
        error_notification,
        docassemble_log,
        set_schedule_logger,
    ):
        setattr(module, function.__name__, function)
    return module


JobConfig = namedtuple(
    "SchedulerJobConfig", "name type params pargs kwargs contextmanager error_handler"
)


def job_data_module(request):
    """What docassemble.Scheduler 0.2 tells a task of its job."""
    job = JobConfig(
        name=request["job"],
        type=None,
        params={},
        pargs=decoded(request["args"]),
        kwargs=decoded(request["kwargs"]),
        contextmanager=request["contextmanager"],
        error_handler=request["error_handler"],
    )
    module = add_module(PACKAGE + ".job_data")
    module.SchedulerJobConfig = JobConfig
    module.current_job = threading.local()
    module.current_job.job = job
    module.current_job.job_name = job.name
    module.get_cur_job = lambda: job
    module.get_callable = resolve
    return module


class FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles a file each time: by its time and size alone, a quick edit can be missed."""

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def real(folder):
    """The folder's path without symlinks, with a slash at its end."""
    return os.path.join(os.path.realpath(folder), "")


def never_cache(tasks):
    """Lets Python neither read nor write compiled files below the folders of tasks.

    A virtual environment there keeps its own: to compile all of it for each run takes long.
    """
    folders = tuple(real(folder) for folder in tasks)
    others = tuple(set(map(real, sys.path)).difference(folders))
    nested = tuple(folder for folder in others if folder.startswith(folders))
    loaders = [
        (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
        (FreshLoader, importlib.machinery.SOURCE_SUFFIXES),
    ]

    def finder(path):
        inside = real(path)
        ours = inside.startswith(folders) and not inside.startswith(nested)
        if not ours or not os.path.isdir(path):
            raise ImportError("not a folder of tasks", path=path)
        return importlib.machinery.FileFinder(path, *loaders)

    if folders:
        sys.path_hooks.insert(0, finder)
        sys.path_importer_cache.clear()


# --- Arguments -------------------------------------------------------------------------------


def decoded(value):
    """The Python value that `value`, read from JSON, stands for."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, content),) = value.items()
        if key in DECODERS:
            return DECODERS[key](content)
    return {key: decoded(item) for key, item in value.items()}


def decoded_date(text):
    return datetime.date(*map(int, text.split("-")))


def decoded_datetime(text):
    """A date and time in ISO 8601; before Python 3.11, `fromisoformat` does not know `Z`."""
    text = text[:-1] + "+00:00" if text.endswith("Z") else text
    return datetime.datetime.fromisoformat(text)


def decoded_int(text):
    """An integer of any length: Python 3.11 limits the digits it reads."""
    if hasattr(sys, "set_int_max_str_digits"):
        limit = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(0)
        try:
            return int(text)
        finally:
            sys.set_int_max_str_digits(limit)
    return int(text)


DECODERS = {
    "$int": decoded_int,
    "$float": float,
    "$date": decoded_date,
    "$datetime": decoded_datetime,
    "$bytes": base64.b64decode,
    "$tuple": lambda items: tuple(decoded(item) for item in items),
    "$set": lambda items: {decoded(item) for item in items},
    "$map": lambda pairs: {decoded(key): decoded(value) for key, value in pairs},
}


# --- Names -----------------------------------------------------------------------------------


class Unusable(Exception):
    """A name that names nothing that can be called."""


def module_of(name):
    """The module that the dotted `name` is looked for in, and its attribute there."""
    parts = name.split(".")
    if len(parts) < 2 or not all(parts) or os.sep in name or "\0" in name:
        raise Unusable("`%s` does not have the form FILE.FUNCTION" % name)
    for folder in sys.modules[TASKS].__path__:
        if os.path.isfile(os.path.join(folder, parts[0] + ".py")):
            return TASKS + "." + parts[0], parts[-1]
        if os.path.isfile(os.path.join(folder, parts[0], "__init__.py")):
            return ".".join([TASKS, *parts[:-1]]), parts[-1]
    return ".".join(parts[:-1]), parts[-1]


def resolve(name, channel=None):
    """What the dotted `name` names, its module imported."""
    module_name, attribute = module_of(name)
    # Unlike `importlib.import_module` this leaves Python's own frames out of tracebacks.
    __import__(module_name)
    if channel:
        channel.note(logging.DEBUG, "Successfully imported " + module_name)
    module = sys.modules[module_name]
    try:
        found = getattr(module, attribute)
    except AttributeError:
        file = getattr(module, "__file__", None) or module_name
        raise Unusable("%s has no function `%s`" % (file, attribute)) from None
    if not callable(found):
        raise Unusable("`%s` is not callable: it is of type %s" % (name, type(found).__name__))
    return found


# --- Running ---------------------------------------------------------------------------------


class Attempt:
    """One call of the task, with all that surrounds it."""

    def __init__(self, request, channel):
        self.request = request
        self.channel = channel
        self.job = request["job"]
        self.unresolved = None
        self.returned = None

    def run(self):
        """The result to report, and the exit code."""
        outcome = None
        try:
            install_packages(self.request)
            with background_context(self.request, self.channel):
                outcome = self.outcome()
        except BaseException as error:
            # What the task itself raised says more than what followed from it.
            if outcome is None or outcome[0]["error"] is None:
                outcome = self.failed(error)
        return outcome

    def outcome(self):
        """Calls the task; no exception of it gets out into docassemble's context."""
        earlier = self.request["failure"]
        if earlier is not None:
            return self.failed(getattr(builtins, earlier["type"])(earlier["message"]))
        try:
            self.call_in_context()
        except SystemExit as error:
            if self.unresolved is None and error.code in (None, 0):
                return success(self.returned)
            return self.failed(error)
        except BaseException as error:
            return self.failed(error)
        # A context that swallows exceptions cannot make a task exist.
        return success(self.returned) if self.unresolved is None else self.failed(self.unresolved)

    def failed(self, error):
        """The failure to report, once the error handler has been told."""
        result, code = failure(error)
        result["handled"] = self.request["is_final"] and self.is_handled(error)
        return result, code

    def is_handled(self, error):
        """Tells the job's error handler of `error`: whether it has one, and it took it."""
        name = self.request["error_handler"]
        if name is None:
            return False
        try:
            completed(resolve(name)(error, sys.modules[PACKAGE + ".job_data"].get_cur_job()))
            return True
        except BaseException as second:
            text = "The error handler '%s' failed:\n%s" % (name, traceback_of(second).rstrip())
            self.channel.note(logging.ERROR, text)
            return False

    def call_in_context(self):
        """Enters the job's context manager, if it has one, and calls the task in it."""
        self.channel.note(logging.INFO, "Calling task '%s'" % self.job)
        name = self.request["contextmanager"]
        if name is None:
            return self.call()
        with self.resolved(name)():
            self.channel.note(logging.DEBUG, "Successfully started context:'%s'" % name)
            return self.call()

    def resolved(self, name):
        """What `name` names; that there is nothing is remembered, whoever handles it."""
        try:
            return resolve(name, self.channel)
        except BaseException as error:
            self.unresolved = error
            reason = "%s: %s" % (type(error).__name__, shown(error, LONGEST_VALUE))
            self.channel.note(logging.CRITICAL, "Could not import '%s': %s" % (name, reason))
            raise

    def call(self):
        """Calls the function, to the end of a coroutine that it returns."""
        function = self.resolved(self.request["task"])
        args = decoded(self.request["args"])
        kwargs = decoded(self.request["kwargs"])
        value = completed(function(*args, **kwargs))
        if isinstance(value, (types.GeneratorType, types.AsyncGeneratorType)):
            self.channel.note(
                logging.WARNING,
                "'%s' returned a generator: none of its code ran, because it has a `yield`"
                % self.job,
            )
        elif value is not None:
            self.returned = shown(value, LONGEST_VALUE)
            if is_true(value):
                self.channel.note(logging.INFO, "'%s' returned '%s'" % (self.job, self.returned))


def completed(value):
    """What a coroutine gives in the end; any other value is itself."""
    if isinstance(value, types.CoroutineType):
        import asyncio

        return asyncio.run(value)
    return value


def is_true(value):
    """Whether `value` is true; one that cannot tell is something to show."""
    try:
        return bool(value)
    except Exception:
        return True


def success(returned):
    return {"returned": returned, "error": None}, 0


def failure(error):
    """The result of a run that `error` ended, and the exit code that Python would give it."""
    reported = described(type(error).__name__, shown(error), traceback_of(error))
    return {"returned": None, "error": reported}, exit_code(error)


def exit_code(error):
    if isinstance(error, SystemExit) and isinstance(error.code, int) and error.code & 255:
        return error.code
    return 1


def traceback_of(error):
    """The traceback of `error` with its causes, as Python prints it, without our own frames."""
    try:
        told = traceback.TracebackException.from_exception(error)
        without_our_frames(told)
        return "".join(told.format())
    except BaseException as second:
        return "%s: %s (its traceback cannot be shown: %s)\n" % (
            type(error).__name__,
            shown(error, LONGEST_VALUE),
            type(second).__name__,
        )


def without_our_frames(told):
    """Takes frames that are not the user's out of an exception and of those it came from."""
    seen = set()
    waiting = [told]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if one.stack is not None:
            kept = [frame for frame in one.stack if not frame.filename.startswith(NOT_THEIRS)]
            one.stack = traceback.StackSummary.from_list(kept)
        waiting += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or [])]


# --- docassemble's background context ---------------------------------------------------------


class ContextError(Exception):
    """docassemble's background context cannot be entered."""


SERVICES = {
    "redis": "redis",
    "sqlalchemy": "the SQL database",
    "psycopg2": "the SQL database",
    "psycopg": "the SQL database",
    "amqp": "RabbitMQ",
    "kombu": "RabbitMQ",
}


ABSENCE = "docassemble.webapp is not installed: no context is entered"


@contextlib.contextmanager
def background_context(request, channel):
    """docassemble's background context, where it is wanted and can be had."""
    wanted = request["docassemble_context"]
    if wanted == "off":
        yield
    elif wanted == "on" or can_import("docassemble.webapp"):
        context = entered(request["config_file"])
        try:
            yield
        finally:
            context.close()
    else:
        if request["tell_absence"]:
            channel.note(logging.DEBUG, ABSENCE)
        yield


def can_import(name):
    """Whether a module of that name is installed; only the packages above it are imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def entered(config_file):
    """docassemble's background context, entered; the caller closes it."""
    stack = contextlib.ExitStack()
    try:
        # What is loaded parses the command line.
        del sys.argv[1:]
        from docassemble.base.config import load

        load(filename=config_file, in_celery=True)
        stack.enter_context(bg_context()())
    except BaseException as error:
        raise ContextError(
            "docassemble's background context cannot be entered: %s%s (%s); "
            "`docassemble context: off` runs tasks without it"
            % (unreachable(error), type(error).__name__, shown(error, 1000))
        ) from error
    return stack


def bg_context():
    """docassemble's own context manager: from 1.10 on it lives in another module."""
    try:
        from docassemble.webapp.tasks.context import bg_context as found
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("docassemble.webapp.tasks"):
            raise
        from docassemble.webapp.worker_common import bg_context as found
    return found


def unreachable(error):
    """The service that cannot be reached, judged by who raised the error."""
    while error is not None:
        service = SERVICES.get(type(error).__module__.partition(".")[0])
        if service:
            return "cannot reach %s: " % service
        error = error.__cause__ or error.__context__
    return ""
