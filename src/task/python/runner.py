"""Runs tasks, each in a process of its own, and reports how they ended.

Everything here is standard library and runs on Python 3.8 and later. The program that started this
process hands over a request on standard input and gets messages back on a socket of datagrams:
what is logged, and at the end one result. Standard output and standard error belong to the task.

The request may also be to serve: then this process loads everything once, and forks a child for
each task, which gets its request as if it had been started for it.

Modules that take long to load are imported where they are needed: a run by hand is to be quick.
"""

import marshal
import os
import sys
import time

try:
    # What `importlib.machinery` is made of, without the time that its package takes to load.
    import _frozen_importlib_external as machinery
    from _frozen_importlib import ModuleSpec
except ImportError:
    from importlib import machinery
    from importlib.machinery import ModuleSpec

# The file names of this code and of Python's import system in tracebacks.
NOT_THEIRS = ("<sched>", "<frozen importlib.")
PACKAGE = "docassemble.Scheduler"
TASKS = PACKAGE + ".tasks"

LONGEST_MESSAGE = 256 * 1024  # characters of one log message
LONGEST_TRACEBACK = 64 * 1024  # characters
LONGEST_VALUE = 10000  # characters of a returned value
ROOM_FOR_DESCRIPTORS = 64  # bytes, for four of them and what comes with them
MOMENT = 0.1  # seconds within which a file is looked at once
LAST_MOMENT = 0.001  # seconds before a child is due
REST = 0.00025  # seconds before it is due in which it only waits
LONGEST_AHEAD = 1024 * 1024  # bytes of a file that is compiled ahead
NO_FILE = "rehearsal" * 32  # longer than the name of any file
ROW = 2048  # bytes; some Pythons keep objects of a size in 4 KiB
MOST_FILLERS = 256 * 1024  # bytes, for each size
LONGEST_END = 5  # seconds that the end of a process may take where nobody is left who could end it
# Modules of Python itself that may have more to do at the end of a process, as libraries have.
LIKE_LIBRARIES = "_ctypes", "_dbm", "_gdbm", "_sqlite3"
# Those that have something to do at the end of each process, whichever has loaded them.
KNOW_OF_FORKS = (
    "concurrent.futures.process",
    "concurrent.futures.thread",
    "logging",
    "multiprocessing.util",
    "weakref",
)


def main(stream):
    """Runs the task that the request on `stream` names; the process ends with its exit code."""
    request = marshal.loads(stream.read())
    stream.close()
    server = None
    if "control" in request:
        server = Server(request)
        request = server.serve()
    channel = Channel(request["channel"])
    connect_logger(channel)
    if server:
        server.wait(request)
    else:
        detach_input()
        print_lines_at_once()
        set_apart_what_is_there()
    channel.least = DEBUG if request["debug"] else INFO
    result, code = Attempt(request, channel).run()
    flush_outputs()
    channel.report(result)
    leave(code, server)


def detach_input():
    """Lets standard input be empty, now that the request is read."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if null != 0:
        os.close(null)


def print_lines_at_once():
    """Lets lines appear as they are printed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.reconfigure(line_buffering=True)
        except Exception:
            pass  # It is somebody else's stream: it stays as it is.


def flush_outputs():
    """Writes out what the task printed, as far as its streams still work."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except Exception:
            # Python would turn a second failure at its end into exit code 120.
            setattr(sys, name, None)


# --- JSON ------------------------------------------------------------------------------------


# What stands for a character that a JSON text cannot hold as it is. `json` takes time to load.
ESCAPES = {code: "\\u%04x" % code for code in range(32)}
ESCAPES.update({ord('"'): '\\"', ord("\\"): "\\\\"})


def quoted(text):
    """`text` as JSON."""
    return '"%s"' % str.translate(text, ESCAPES)


def to_json(value):
    """`value` as JSON: texts, whole numbers, truth values and nothing, in dictionaries."""
    if isinstance(value, dict):
        return "{%s}" % ",".join(quoted(key) + ":" + to_json(one) for key, one in value.items())
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


# --- Serving ---------------------------------------------------------------------------------


class Server:
    """Forks a child for every order that arrives on a socket, with everything loaded.

    An order is its length in four bytes and texts between null characters: a number, its ticket;
    when the child is due, in microseconds since 1970, or nothing; the functions that it will call.
    It brings four descriptors: what the child reads its request from, its standard output, its
    standard error and its channel. The answers are lines: `ready`, `forked TICKET PROCESS`,
    `refused TICKET`, `ended TICKET STATUS`.

    After a fork, every page that the server writes to is copied, and what it looks at, it writes
    to: so it does little.
    """

    def __init__(self, setup):
        import socket

        self.socket = socket.socket(fileno=setup["control"])
        self.socket.set_inheritable(False)
        self.tickets = {}
        self.looked, self.looked_for = 0, set()
        self.told = b""
        self.ends = OwnEnds()
        self.mark = address_of_mark()
        detach_input()
        print_lines_at_once()
        self.look_up_from_work(True)
        faults, starters = self.load(setup)
        # What is buffered would be written by every child.
        flush_outputs()
        threads = count_threads()
        self.latest = next(reversed(sys.modules))
        ready = {
            "faults": faults,
            "threads": threads,
            "starters": starters,
            "files": stamps_of_tasks(),
            "has_context": can_import("docassemble.webapp"),
        }
        FreshLoader.read = None
        look_again_at_folders()
        self.look_up_from_work(False)
        self.say("ready " + sys.modules["json"].dumps(ready))
        if threads > 1:
            self.ends.come()
            os._exit(0)  # What a thread holds would stay held in a child.

    def load(self, setup):
        """Imports what every child needs; returns the tracebacks of what could not be, and the
        modules after which there were more threads."""
        load_ahead()
        install_packages(setup["tasks"])
        connect_logger(None)
        # So it is known, and cached, what there is no need to look for.
        machinery.PathFinder.find_spec("sched_has_no_such_module")
        finalizers = count_finalizers()
        FreshLoader.read = {}
        faults, starters, threads = [], [], count_threads()
        with self.ends:
            for name in setup["preload"]:
                fault = fault_of_import(name)
                if fault:
                    faults.append(fault)
                before, threads = threads, count_threads()
                if threads > before:
                    starters.append(name)
        # Then Python's own end of a process is needed, in all its length.
        self.must_finalize = count_finalizers() > finalizers or has_libraries(sys.modules.values())
        return faults, starters

    def look_up_from_work(self, wanted):
        """Lets it be noticed while modules are loaded, which may take long, that nobody is left who
        waits for them."""
        import _signal as signal
        import fcntl

        flags = fcntl.fcntl(self.socket, fcntl.F_GETFL)
        if wanted:
            signal.signal(signal.SIGIO, lambda number, frame: self.end_if_alone())
            fcntl.fcntl(self.socket, fcntl.F_SETOWN, os.getpid())
            fcntl.fcntl(self.socket, fcntl.F_SETFL, flags | os.O_ASYNC)
            self.end_if_alone()
        else:
            fcntl.fcntl(self.socket, fcntl.F_SETFL, flags & ~os.O_ASYNC)
            signal.signal(signal.SIGIO, signal.SIG_DFL)

    def end_if_alone(self):
        """Ends with all that the modules have started, where nobody is left."""
        import socket

        try:
            alone = not self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            alone = False
        except OSError:
            alone = True
        if alone:
            kill(os.killpg, os.getpid())
            os._exit(0)

    def say(self, line):
        """Sends a line; where nobody is left who listens, nobody needs it."""
        try:
            self.socket.sendall(line.encode() + b"\n")
        except OSError:
            pass

    def serve(self):
        """Forks children as long as there is somebody to serve; returns in each its request."""
        # `signal` itself, without its names for numbers, which cost each child a moment.
        import _signal as signal
        import gc
        import select

        gc.collect()
        gc.disable()
        self.fillers = fill_gaps()
        # Children need not look through what is there, and so share its memory.
        gc.freeze()
        self.woken, wake = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        poll.register(self.woken, select.POLLIN)
        while True:
            for ready, _ in poll.poll():
                if ready == self.woken:
                    self.reap()
                    continue
                ticket, due, names, descriptors = self.receive()
                if self.fork(ticket, names, descriptors):
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os.close(wake)
                    return self.become_child(ticket, due, descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)

    def receive(self):
        """The next order: its ticket, when the child is due, the names that it will call, and its
        descriptors."""
        try:
            head, ancillary, _, _ = self.socket.recvmsg(4, ROOM_FOR_DESCRIPTORS)
            head += self.received(4 - len(head))
            order = self.received(int.from_bytes(head, "big"))
        except (OSError, EOFError):
            self.end()
        ticket, due, *names = order.decode().split("\0")
        descriptors = memoryview(ancillary[0][2]).cast("i") if ancillary else ()
        return ticket, due, names, descriptors

    def received(self, count):
        """The next `count` bytes of the socket."""
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def fork(self, ticket, names, descriptors):
        """Forks a child: whether this is it."""
        self.compile(names)
        try:
            if len(descriptors) < 4:
                raise OSError("there is no room for more of them here")
            child = os.fork()
        except OSError:
            self.say("refused %s" % ticket)
            return False
        if child:
            self.tickets[child] = ticket
        return not child

    def compile(self, names):
        """Compiles what the functions `names` are in; looks at each once in a moment."""
        now = time.monotonic()
        if now - self.looked > MOMENT:
            self.looked = now
            self.looked_for.clear()
        for name in names:
            if name not in self.looked_for:
                self.looked_for.add(name)
                try:
                    compile_ahead(name)
                except Exception:
                    pass  # It happens again in the run, and is reported there.

    def reap(self):
        """Tells of the children that have ended."""
        try:
            os.read(self.woken, 4096)
        except BlockingIOError:
            pass
        ended = []
        while self.tickets:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                break
            if child in self.tickets:
                ended.append("ended %s %d" % (self.tickets.pop(child), status))
        if ended:
            self.say("\n".join(ended))

    def end(self):
        """Nobody is left who follows the children: they end, too, with all that they started."""
        marks = set(filter(None, map(mark_of, self.tickets)))
        # That of a child which has not been told of its run yet.
        marks.discard(mark_of(os.getpid()))
        for child in self.tickets:
            kill(os.killpg, child)
            kill(os.kill, child)
        for process in processes() if marks else ():
            if mark_of(process) in marks:
                kill_with_group(process)
        self.ends.come()
        # With what the modules of `preload` have started.
        kill(os.killpg, os.getpid())
        os._exit(0)

    def become_child(self, ticket, due, descriptors):
        """Takes what belongs to the child and leaves what does not; returns its request."""
        import gc

        os.setsid()
        self.request, stdout, stderr, channel = descriptors
        for target, descriptor in ((1, stdout), (2, stderr)):
            os.dup2(descriptor, target)
            os.close(descriptor)
        os.close(self.woken)
        self.say("forked %s %d" % (ticket, os.getpid()))
        os.close(self.socket.detach())
        gc.enable()
        reseed()
        request = marshal.loads(self.next_message())
        request["channel"] = channel
        request["due"] = int(due) if due else None
        for name, value in request["variables"].items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        write_mark(self.mark, os.environ[MARK])
        return request

    def next_message(self):
        """The next message of those that the child is told: its length in four bytes, and its
        bytes. Where there is none, its run does not come."""
        size = 4 + int.from_bytes(self.told_up_to(4)[:4], "big")
        told = self.told_up_to(size)
        self.told = told[size:]
        return told[4:size]

    def told_up_to(self, size):
        """What the child was told, at least so many bytes of it."""
        while len(self.told) < size:
            piece = os.read(self.request, 65536)
            if not piece:
                os._exit(0)
            self.told += piece
        return self.told

    def wait(self, request):
        """Waits until the run may begin, and makes the process what it would be, had it been
        started for it."""
        if request["due"] is not None:
            names = list(filter(None, (request["contextmanager"], request["task"])))
            self.rehearse(names)
            # Again and again at the last moment: then the processor has it at hand, too.
            due = request["due"] / 1e6
            left = due - time.time() - LAST_MOMENT
            if left > 0 and not self.is_told_within(left):
                # The clock may be set back meanwhile.
                end = time.monotonic() + LAST_MOMENT
                while time.time() < due - REST and time.monotonic() < end:
                    self.rehearse(names)
        self.next_message()
        os.close(self.request)
        look_at_zone()

    def is_told_within(self, seconds):
        """Whether the child is told something within that time."""
        import select

        try:
            return bool(select.select([self.request], [], [], seconds)[0])
        except ValueError:
            # The number of the descriptor is too large for that. This knows whole milliseconds only.
            poll = select.poll()
            poll.register(self.request, select.POLLIN)
            return bool(poll.poll(int(seconds * 1000)))

    def rehearse(self, names):
        """Goes the way of a run, up to the user's code.

        A child copies the memory of its parent when it first touches it. So it has done that when
        its run begins, and need not wait for it.
        """
        sys.modules[NO_FILE] = sys
        no_call = {"job": "", "task": NO_FILE + ".getrecursionlimit", "docassemble_context": "off"}
        nothing = dict.fromkeys(("failure", "contextmanager", "error_handler", "announced"))
        request = {**no_call, **nothing, "args": [], "kwargs": {}, "is_final": False}
        request = marshal.loads(marshal.dumps(request))
        look_at_zone()
        Attempt(request, Mute()).run()
        del sys.modules[NO_FILE]
        for name in names:
            try:
                module, _ = module_of(name)
                load_nothing(FOUND[module].origin)
            except Exception:
                pass  # It happens again in the run, and is reported there.
        flush_outputs()


class OwnEnds:
    """Lets what modules do at the end of a process happen in the process alone that has loaded
    them, and not in each child: such as to remove a temporary folder."""

    def __enter__(self):
        import atexit

        self.register = atexit.register
        atexit.register = self.register_own

    def __exit__(self, *error):
        import atexit
        import weakref

        atexit.register = self.register
        registry = getattr(weakref.finalize, "_registry", ())
        self.finalizers = [one for one in list(registry) if one.atexit]
        for one in self.finalizers:
            one.atexit = False

    def register_own(self, function, *args, **kwargs):
        own = getattr(function, "__module__", None) not in KNOW_OF_FORKS
        self.register(OwnEnd(function) if own else function, *args, **kwargs)
        return function

    def come(self):
        """The end of this process."""
        import _signal as signal
        import atexit

        # Whatever they do: nobody is left who could end this.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LONGEST_END)
        for one in self.finalizers:
            one.atexit = True
        try:
            atexit._run_exitfuncs()
        except BaseException:
            pass  # There is nobody to tell.


class OwnEnd:
    """A function that does nothing in other processes than the one that this was made in."""

    def __init__(self, function):
        self.function = function
        self.process = os.getpid()

    def __call__(self, *args, **kwargs):
        if os.getpid() == self.process:
            self.function(*args, **kwargs)

    def __eq__(self, other):
        # So it can be unregistered.
        return self.function == other


def reseed():
    """Lets each child draw random numbers of its own; Python does so for `random` itself."""
    try:
        sys.modules["numpy.random"].seed()
    except Exception:
        pass  # It is not preloaded, or somebody else's of that name.


def look_at_zone():
    """Lets the zone of the system be what it is now: it may have been set since Python started."""
    if "TZ" not in os.environ:
        time.tzset()


class Mute:
    """A channel that leads nowhere."""

    def note(self, level, text):
        to_json(log_message(level, text, "sched", "run", 0))

    def is_own(self):
        return True

    def is_heard(self):
        return True


NOTHING = compile("", "<sched>", "exec")


def load_nothing(path):
    """Does all that Python does to import the file at `path`, but for running it."""
    import warnings

    class Loader(FreshLoader):
        def get_code(self, fullname):
            super().get_code(fullname)
            return NOTHING

    name = TASKS + ".rehearsal"
    FOUND[name] = spec_of(name, Loader, path)
    with warnings.catch_warnings():
        # The run is to show them.
        warnings.simplefilter("ignore")
        __import__(name)
    del sys.modules[name], sys.modules[TASKS].rehearsal


def load_ahead():
    """Imports what our own code and most tasks need, but nothing that makes forking slow."""
    import array, atexit, collections, contextlib, datetime, gc, json, select, signal, traceback
    import types, warnings

    put_by("threading", "logging")


def look_again_at_folders():
    """Lets Python look again at each folder that it imports from: a file may be added at the same
    time by the clock of the file system, and a folder that is not there may come into being.

    `PathFinder` itself would load much of Python for that, and that has something to do at forks.
    """
    for folder, finder in list(sys.path_importer_cache.items()):
        if finder is None:
            # Python's own archive, which hardly anybody has, need not be looked for by each run.
            if not folder.endswith(".zip"):
                del sys.path_importer_cache[folder]
        elif hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()


def put_by(*names):
    """Loads modules that have something to do at each fork and end, and keeps them for who imports
    them.

    The rest need not wait for it: what they do touches a third of the memory that a run of a short
    function touches in all. Each may need those before it.
    """
    import atexit

    registers = os.register_at_fork, atexit.register
    for number, name in enumerate(names):
        if name not in sys.modules:
            forks, ends = [], []
            os.register_at_fork = lambda forks=forks, **hooks: forks.append(hooks)
            atexit.register = ends.append
            try:
                loader = Keeper(__import__(name), forks, ends, names[:number])
            finally:
                os.register_at_fork, atexit.register = registers
            KEPT[name] = ModuleSpec(name, loader)
    for name in KEPT:
        del sys.modules[name]


class Keeper:
    """Gives out a module that was put by, which then does what it would have done at the forks."""

    def __init__(self, module, forks, ends, needed):
        self.module, self.spec = module, module.__spec__
        self.forks, self.ends = forks, ends
        self.needed = needed
        self.process = os.getpid()

    def create_module(self, spec):
        return self.module

    def exec_module(self, module):
        import atexit

        module.__spec__ = self.spec
        del KEPT[module.__name__]
        for name in self.needed:
            __import__(name)
        for hooks in self.forks:
            if os.getpid() != self.process:
                hooks.get("before", bool)()
                hooks.get("after_in_child", bool)()
            os.register_at_fork(**hooks)
        for end in self.ends:
            atexit.register(end)


def fill_gaps():
    """Fills the gaps between small objects; returns what fills them.

    A child copies every page that it writes to, and its new objects would go into the gaps of one
    page after another. So they lie together in new ones.
    """
    return list(map(fillers, range(32, 513, 16)))


def fillers(size):
    """Objects of `size` bytes, until so many lie in a row that there is no gap left; none, where
    memory is not given out like that."""
    found, in_a_row, place = [], 0, 0
    room = size - sys.getsizeof(b"")
    while in_a_row < ROW // size:
        if len(found) * size > MOST_FILLERS:
            return None
        found.append(bytes(room) if room > 1 else float(size))
        in_a_row = in_a_row + 1 if id(found[-1]) - place == size else 0
        place = id(found[-1])
    return found


def fault_of_import(name):
    """Imports a module: the traceback of what went wrong, if anything did."""
    try:
        __import__(name)
    except BaseException as error:
        return "%s\n%s" % (name, shortened(traceback_of(error), LONGEST_VALUE))
    return None


def count_threads():
    """How many threads this process has, also such as Python does not know."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        import _thread

        return 1 + _thread._count()


def stamps_of_tasks():
    """The files below the folders of tasks that modules have been loaded from, each with its time
    and its size when it was read, as far as that is known."""
    folders = tuple(map(real, sys.modules[TASKS].__path__))
    files = filter(None, map(file_of, list(sys.modules.values())))
    below = [file for file in files if real(file).startswith(folders) and os.path.isfile(file)]
    return [(file, *(FreshLoader.read.get(file) or stamp_of(file))) for file in below]


def stamp_of(file):
    status = os.stat(file)
    return status.st_mtime_ns, status.st_size


def file_of(module):
    """The file that a module says it comes from."""
    try:
        # Not by `getattr`, which may run code of a module that is loaded when it is used.
        file = object.__getattribute__(module, "__dict__").get("__file__")
    except Exception:
        return None
    return file if isinstance(file, str) else None


def leave(code, server):
    """Ends the process as `sys.exit` does, but in short where nothing can tell the difference. What
    a child of `server` found there has been judged."""
    must_finalize, latest = (server.must_finalize, server.latest) if server else (False, None)
    if not must_finalize and not has_libraries(modules_since(latest)) and has_finished():
        flush_outputs()
        os._exit(code & 255)
    sys.exit(code)


def modules_since(latest):
    """The modules that were imported after the one of the name `latest`; all, where it is gone."""
    modules = []
    try:
        for name in reversed(sys.modules):
            if name == latest:
                break
            modules.append(sys.modules[name])
    except (KeyError, RuntimeError):
        # A thread imports something at this moment.
        return sys.modules.values()
    return modules


def has_libraries(modules):
    """Whether code is among `modules` that is neither Python nor Python's own: it may hold back
    output, and have more to do at the end of a process."""
    if any(name in sys.modules for name in LIKE_LIBRARIES):
        return True
    suffixes = tuple(machinery.EXTENSION_SUFFIXES)
    files = filter(None, map(file_of, list(modules)))
    return any(file.endswith(suffixes) and "/lib-dynload/" not in file for file in files)


def set_apart_what_is_there():
    """Takes note of all objects that Python has made for itself: their end makes no difference."""
    import gc

    gc.freeze()


def count_finalizers():
    """How many objects want to be told of their end."""
    import gc

    known = {}
    count = 0
    for one in gc.get_objects():
        kind = type(one)
        if id(kind) not in known:
            known[id(kind)] = has_finalizer(kind)
        count += known[id(kind)]
    return count


def has_finalizer(kind):
    """Whether objects of a class want to be told of their end."""
    try:
        # Not by `hasattr`, which may run code of a class of classes.
        type.__getattribute__(kind, "__del__")
        return True
    except AttributeError:
        return False


def has_finished():
    """Does what Python does at the end of a process, as far as it can have an effect.

    Whether that was all: an object that is still there and wants to be told of its end, such as an
    open file, needs the rest.
    """
    import atexit
    import gc

    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        atexit._run_exitfuncs()
    except BaseException:
        return False
    if not count_finalizers():
        return True
    gc.collect()
    return not count_finalizers()


# --- Processes -------------------------------------------------------------------------------

# By this variable, everything that a run started can be found.
MARK = "SCHED_RUN_ID"


def mark_of(process):
    """The mark in the environment that a process was started with."""
    try:
        with open("/proc/%d/environ" % process, "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return None
    return next((entry for entry in entries if entry.startswith(MARK.encode() + b"=")), None)


def processes():
    """The numbers of all processes, where the system lists them."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def kill(how, process):
    try:
        how(process, 9)
    except OSError:
        pass  # It has ended.


def kill_with_group(process):
    """Kills the group of a process: while that is looked for, it may fork another and end. No run is
    in the group of its server."""
    try:
        group = os.getpgid(process)
    except OSError:
        return  # It has ended.
    if group != os.getpgrp():
        kill(os.killpg, group)


def address_of_mark():
    """Where the kernel finds the value of the mark in our memory, and its length."""
    try:
        with open("/proc/self/environ", "rb") as file:
            environment = b"\0" + file.read()
        with open("/proc/self/stat", "rb") as file:
            start = int(file.read().rpartition(b")")[2].split()[47])
        head = b"\0" + MARK.encode() + b"="
        place = environment.index(head) + len(head)
        return start + place - 1, environment.index(b"\0", place) - place
    except (OSError, ValueError, IndexError):
        return None


def write_mark(place, mark):
    """Shows others the mark of this run, as in the environment of a process started for it."""
    if place is None or len(mark) != place[1]:
        return
    try:
        memory = os.open("/proc/self/mem", os.O_WRONLY)
        try:
            os.pwrite(memory, mark.encode(), place[0])
        finally:
            os.close(memory)
    except OSError:
        pass  # Then only what is executed shows it.


# --- Messages --------------------------------------------------------------------------------


class Channel:
    """The socket to the program that started this process, shared with forked children.

    A message is cut into datagrams that begin with the process, the message's number in it, the
    piece's number and whether it is the last one, so that messages of several processes and
    threads can be told apart.
    """

    PIECE = 2048 - 21  # bytes; some systems refuse datagrams above 2 KiB

    def __init__(self, descriptor):
        os.set_inheritable(descriptor, False)
        self.descriptor = descriptor
        self.identity = self.stat()
        self.started_as = os.getpid()
        # The next is taken in one step, whatever threads do.
        self.numbers = iter(range(1 << 62))
        self.least = DEBUG

    def stat(self):
        status = os.fstat(self.descriptor)
        return status.st_dev, status.st_ino

    def works(self):
        """Whether it is still there: a task that closes all descriptors may have reused the number."""
        try:
            return self.stat() == self.identity
        except OSError:
            return False

    def send(self, message):
        """Sends `message`; a task must not fail because nobody listens any more."""
        try:
            if not self.works():
                return
            data = to_json(message).encode("utf-8", "replace")
            head = os.getpid().to_bytes(8, "big") + next(self.numbers).to_bytes(8, "big")
            pieces = range(0, len(data), self.PIECE)
            for number, start in enumerate(pieces):
                last = number == len(pieces) - 1
                place = number.to_bytes(4, "big") + bytes([last])
                os.write(self.descriptor, head + place + data[start : start + self.PIECE])
        except (OSError, RecursionError, MemoryError):
            pass

    def note(self, level, text):
        """Logs a line of `sched` itself, if anybody wants lines of that level."""
        if level >= self.least:
            self.send(log_message(level, text, "sched", "run", 0))

    def is_given_notice(self):
        """Whether it is said here that the process is about to be ended, which is all that ever is."""
        try:
            import select

            poll = select.poll()
            poll.register(self.descriptor, select.POLLIN)
            return self.works() and any(event & select.POLLIN for _, event in poll.poll(0))
        except (ImportError, OSError):
            return False

    def is_heard(self):
        """Whether the result of this process comes out here."""
        return self.is_own() and self.works()

    def is_own(self):
        """Whether this is the process that was started, and no child that the task forked."""
        return os.getpid() == self.started_as

    def report(self, result):
        """Sends the result, unless this is a child that the task forked."""
        if self.is_own():
            self.send({"kind": "result", **result})


# The levels of `logging`.
DEBUG, INFO, WARNING, ERROR, CRITICAL = 10, 20, 30, 40, 50

STANDARD_LEVELS = (
    ("CRITICAL", CRITICAL),
    ("ERROR", ERROR),
    ("WARNING", WARNING),
    ("INFO", INFO),
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
        # Who makes records himself may say anything.
        "line": line if type(line) is int and 0 <= line < 1 << 32 else 0,
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


class Logger:
    """Where `log` sends to: the channel, by way of `logging` once somebody has loaded that."""

    channel = None
    real = None
    is_awaited = False


def connect_logger(channel):
    """Connects the logger `scheduler` to the channel, now or when the task imports `logging`."""
    Logger.channel = channel
    if not Logger.is_awaited:
        Logger.is_awaited = True
        when_loaded("logging", install_logger)


def when_loaded(name, then):
    """Calls `then` when the module `name` is loaded, which may be now."""
    if name in sys.modules:
        then()
    else:
        sys.meta_path.insert(0, WaitingFinder(name, then))


class WaitingFinder:
    """Finds a module as Python does, and calls `then` when it is loaded."""

    def __init__(self, name, then):
        self.name = name
        self.then = then

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next(filter(None, specs), None)
        if spec is None:
            return None
        load = spec.loader.exec_module

        def load_and_tell(module):
            load(module)
            # Not before: somebody may only have looked for it.
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                self.then()

        spec.loader.exec_module = load_and_tell
        return spec


def install_logger():
    """Makes the logger `scheduler` one that sends to the channel."""
    import logging

    class SchedulerLogger(logging.Logger):
        """The logger `scheduler`, which no configuration of the task can silence."""

        disabled = property(lambda self: False, lambda self, value: None)

        def isEnabledFor(self, level):
            return True

        def callHandlers(self, record):
            # A configuration begins with none.
            if handler not in self.handlers:
                handler.handle(record)
            if self.hasHandlers():
                super().callHandlers(record)

    class ChannelHandler(logging.Handler):
        """Sends what is logged."""

        def emit(self, record):
            if Logger.channel is None:
                return
            message = log_message(
                record.levelno,
                text_of(record),
                record.filename,
                record.funcName or "",
                record.lineno,
                record.created,
            )
            if record.levelno >= CRITICAL:
                error = (record.exc_info or sys.exc_info())[1]
                known = getattr(record, ALARM, None)
                message["alarm"] = known or alarm(message_of(record), error)
            Logger.channel.send(message)

    handler = ChannelHandler()
    logger = Logger.real = logging.getLogger("scheduler")
    logger.__class__ = SchedulerLogger
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)


def message_of(record):
    """The message of a log record."""
    try:
        return record.getMessage()
    except Exception:
        return shown(record.msg)


def text_of(record):
    """The message of a log record, with its traceback and stack where it has them."""
    text = message_of(record)
    if record.exc_info and record.exc_info[0] is not None:
        text += "\n" + traceback_of(record.exc_info[1]).rstrip("\n")
    if record.stack_info:
        text += "\n" + record.stack_info
    return text


# The attribute of a log record that holds what its mail says.
ALARM = "_sched_alarm"


def alarm(text, error):
    """What the mail about a critical line says; `error` is the exception being handled, if any."""
    stack = "Current Stack:\n" + current_stack()
    if error is None:
        return described("Exception", text, stack)
    return described(
        type(error).__name__,
        "%s\nMessage: %s" % (shown(error), text),
        "Original Exception:\n%s\n%s" % (traceback_of(error), stack),
    )


def current_stack():
    """How the task came here, as Python prints it, without our own frames and `logging`'s."""
    ours = NOT_THEIRS
    if "logging" in sys.modules:
        ours += (sys.modules["logging"].__file__,)
    try:
        import traceback
    except Exception:
        return stack_without_code(ours)
    # The outermost frame is the one that Python was started with.
    frames = traceback.extract_stack()[1:]
    theirs = [frame for frame in frames if not frame.filename.startswith(ours)]
    return "".join(traceback.format_list(theirs))


def stack_without_code(ours):
    """The same where nothing can be loaded any more that would read the lines of code."""
    lines, frame = [], sys._getframe()
    while frame is not None:
        if not frame.f_code.co_filename.startswith(ours):
            lines.append(place(frame, frame.f_lineno))
        frame = frame.f_back
    return "".join(reversed(lines[:-1]))


def place(frame, line):
    """Where in the code a frame is, as Python prints it."""
    code = frame.f_code
    return '  File "%s", line %s, in %s\n' % (code.co_filename, line, code.co_name)


def described(name, message, trace):
    """An exception as it is reported."""
    return {
        "type": shortened(name, 1000),
        "message": shortened(message, LONGEST_TRACEBACK),
        "traceback": shortened(trace, LONGEST_TRACEBACK),
    }


def to_log(level, text, mailed=None):
    """Logs `text` in the name of whoever called the caller of this."""
    if Logger.real is not None:
        Logger.real.log(level, "%s", text, stacklevel=3, extra={ALARM: mailed})
        return
    if Logger.channel is None:
        return
    frame = sys._getframe(2)
    code = frame.f_code
    file = os.path.basename(code.co_filename)
    message = log_message(level, text, file, code.co_name, frame.f_lineno)
    if level >= CRITICAL:
        message["alarm"] = mailed or alarm(text, sys.exc_info()[1])
    Logger.channel.send(message)


MISSING = object()
LEVELS = {
    "debug": DEBUG,
    "info": INFO,
    "warning": WARNING,
    "error": ERROR,
    "critical": CRITICAL,
}


def log(msg=MISSING, lvl="info", *, message=MISSING, message_level=None, level=None):
    """Writes `msg` to `scheduler.log`; a level that does not exist is taken as `info`."""
    text = msg if msg is not MISSING else message
    if text is MISSING:
        raise TypeError("log() missing 1 required positional argument: 'msg'")
    to_log(LEVELS.get(str(level or message_level or lvl).lower(), INFO), shown(text))


def get_logger():
    """The logger whose records go to `scheduler.log`."""
    import logging

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
    to_log(CRITICAL, text, mailed)


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


def install_packages(tasks):
    """Makes `docassemble.Scheduler` importable, whether docassemble is installed or not."""
    # Before the tasks are on the path: one of them may be called like a package.
    namespace = docassemble_package()
    sys.meta_path.insert(0, Finder)
    never_cache(tasks)
    sys.path.extend(folder for folder in tasks if folder not in sys.path)
    installed = installed_scheduler(namespace)
    scheduler = add_module(PACKAGE, path=installed)
    namespace.Scheduler = scheduler
    scheduler.scheduler_logger = logger_module()
    scheduler.setup_scheduler = add_module(PACKAGE + ".setup_scheduler")
    scheduler.tasks = add_module(TASKS, path=task_folders(tasks, installed))
    give_place(scheduler.tasks)
    scheduler.job_data = job_module()
    Worker.tasks = tasks
    when_loaded("multiprocessing.spawn", tell_workers)


def docassemble_package():
    """The package `docassemble`, an empty one where it is not installed."""
    try:
        import docassemble
    except ImportError as error:
        if error.name == "docassemble":
            return add_module("docassemble", path=[])
        # It is, as a namespace of the old kind, but what that needs is not.
        folders = (os.path.join(folder, "docassemble") for folder in sys.path)
        return add_module("docassemble", path=list(filter(os.path.isdir, folders)))
    return docassemble


def installed_scheduler(namespace):
    """The folders of an installed docassemble.Scheduler, none of whose code is run."""
    spec = machinery.PathFinder.find_spec(PACKAGE, list(namespace.__path__))
    return list(spec.submodule_search_locations or []) if spec else []


def task_folders(tasks, installed):
    """Where task files are looked for, the configured folder first."""
    theirs = [os.path.join(folder, "tasks") for folder in installed]
    return tasks + [folder for folder in theirs if os.path.isdir(folder) and folder not in tasks]


def give_place(package):
    """Lets a package tell where it is, so that the files beside its modules can be found."""
    for folder in package.__path__[:1]:
        file = os.path.join(folder, "__init__.py")
        package.__file__ = package.__spec__.origin = file
        package.__loader__ = package.__spec__.loader = FreshLoader(package.__name__, file)
        package.__spec__.has_location = True


def add_module(name, path=None):
    """A new module, a package where it has a `path`, known to Python as if it were imported."""
    module = type(sys)(name)
    spec = ModuleSpec(name, None, is_package=path is not None)
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


def job_module():
    """The module `job_data` of docassemble.Scheduler 0.2, which tells of the job, if it is asked."""
    module = add_module(PACKAGE + ".job_data")

    def fill(name):
        # Who only looks at modules is not asking for the job.
        if name.startswith("__"):
            raise AttributeError(name)
        del module.__getattr__
        vars(module).update(job_data(Attempt.request))
        return getattr(module, name)

    module.__getattr__ = fill
    return module


def job_data(request):
    """What the module `job_data` holds."""
    from collections import namedtuple
    from threading import local

    config = namedtuple(
        "SchedulerJobConfig", "name type params pargs kwargs contextmanager error_handler"
    )
    job = config(
        name=request["job"],
        type=None,
        params={},
        pargs=decoded(request["args"]),
        kwargs=decoded(request["kwargs"]),
        contextmanager=request["contextmanager"],
        error_handler=request["error_handler"],
    )
    current = local()
    current.job = job
    current.job_name = job.name
    return {
        "SchedulerJobConfig": config,
        "current_job": current,
        "get_cur_job": lambda: job,
        "get_callable": resolve,
    }


class FreshLoader(machinery.SourceFileLoader):
    """Reads a file each time: by its time and size alone, a quick edit can be missed."""

    # The time and the size of each file before it was read, where anybody wants to know.
    read = None

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        if FreshLoader.read is not None:
            FreshLoader.read[path] = stamp_of(path)
        data = self.get_data(path)
        known, code = COMPILED.get(path, (None, None))
        return code if known == data else self.source_to_code(data, path)


# What has been compiled ahead: the content and the code of each file.
COMPILED = {}


# The files that have been looked at for that: the path and the state of each, by the name.
LOOKED_AT = {}


def state_of(path):
    """What tells, mostly, that a file is another one than before."""
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_size


def compile_ahead(name):
    """Compiles the task file that the dotted `name` is in; what is wrong with it is for its run."""
    if name in LOOKED_AT:
        path, state = LOOKED_AT.pop(name)
        if state_of(path) == state:
            LOOKED_AT[name] = path, state
            return
    first = name.partition(".")[0]
    for folder in sys.modules[TASKS].__path__:
        path = os.path.join(folder, first + ".py")
        if os.path.isfile(path) and os.path.getsize(path) <= LONGEST_AHEAD:
            LOOKED_AT[name] = path, state_of(path)
            compile_file(path)
            return


def compile_file(path):
    """Compiles a task file."""
    import warnings

    COMPILED.pop(path, None)
    with open(path, "rb") as file:
        data = file.read()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        code = machinery.SourceFileLoader("", path).source_to_code(data, path)
    # Each run is to show the warnings of its own file.
    if not told:
        COMPILED[path] = data, code
        # As what was there when the server began to serve.
        sys.modules["gc"].freeze()


def real(folder):
    """The folder's path without symlinks, with a slash at its end."""
    return os.path.join(os.path.realpath(folder), "")


def never_cache(tasks):
    """Lets Python neither read nor write compiled files below the folders of tasks.

    A virtual environment there keeps its own: to compile all of it for each run takes long.
    """
    others = list(sys.path)
    known = {}
    loaders = [
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (FreshLoader, machinery.SOURCE_SUFFIXES),
    ]

    def finder(path):
        # Most runs ask for no other file, and need none of this. From one to the next, a link on the
        # way may lead elsewhere.
        if os.getpid() not in known:
            folders = tuple(map(real, tasks))
            apart = set(map(real, others)).difference(folders)
            known[os.getpid()] = folders, tuple(one for one in apart if one.startswith(folders))
        folders, nested = known[os.getpid()]
        inside = real(path)
        ours = inside.startswith(folders) and not inside.startswith(nested)
        if not ours or not os.path.isdir(path):
            raise ImportError("not a folder of tasks", path=path)
        return machinery.FileFinder(path, *loaders)

    if tasks:
        sys.path_hooks.insert(0, finder)
        sys.path_importer_cache.clear()


# --- Workers ---------------------------------------------------------------------------------

# All of this code.
CODE = sys._getframe().f_code

# Makes a fresh process one like this.
START_WORKER = """
import marshal
scope = {"__name__": "sched"}
exec(marshal.loads(code), scope)
scope["become_worker"](tasks, request, channel)
"""


class Worker:
    """What a process is told that `multiprocessing` starts afresh: reading it means to obey it."""

    tasks = None

    def __reduce__(self):
        from multiprocessing.reduction import DupFd

        channel = Logger.channel
        told = {"code": marshal.dumps(CODE), "tasks": self.tasks, "request": Attempt.request}
        told["channel"] = DupFd(channel.descriptor) if channel and channel.works() else None
        return exec, (START_WORKER, told)


def tell_workers():
    """Lets workers import tasks and log as this process does; forked ones can do so already."""
    spawn = sys.modules["multiprocessing.spawn"]
    preparation = spawn.get_preparation_data
    spawn.get_preparation_data = lambda name: {**preparation(name), "sched": Worker()}


def become_worker(tasks, request, channel):
    print_lines_at_once()
    Attempt.request = request
    install_packages(tasks)
    connect_logger(channel and Channel(channel.detach()))


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
    import datetime

    return datetime.date(*map(int, text.split("-")))


def decoded_datetime(text):
    """A date and time in ISO 8601; before Python 3.11, `fromisoformat` does not know `Z`."""
    import datetime

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


def decoded_bytes(text):
    import binascii

    return binascii.a2b_base64(text)


DECODERS = {
    "$int": decoded_int,
    "$float": float,
    "$date": decoded_date,
    "$datetime": decoded_datetime,
    "$bytes": decoded_bytes,
    "$tuple": lambda items: tuple(decoded(item) for item in items),
    "$set": lambda items: {decoded(item) for item in items},
    "$map": lambda pairs: {decoded(key): decoded(value) for key, value in pairs},
}


# --- Names -----------------------------------------------------------------------------------


class Unusable(Exception):
    """A name that names nothing that can be called."""

    __module__ = "builtins"


# Where the modules are that have been looked for.
FOUND = {}
# The modules that are loaded, but not yet imported.
KEPT = {}


class Finder:
    """Finds what was found before."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        return FOUND.pop(name, None) or KEPT.get(name)


def spec_of(name, loader, path):
    """How the module of that name is loaded from a file."""
    spec = ModuleSpec(name, loader(name, path), origin=path)
    spec.has_location = True
    return spec


def module_of(name):
    """The module that the dotted `name` is looked for in, and its attribute there."""
    within = TASKS + "."
    parts = (name[len(within) :] if name.startswith(within) else name).split(".")
    if len(parts) < 2 or not all(parts) or os.sep in name or "\0" in name:
        raise Unusable("`%s` does not have the form FILE.FUNCTION" % name)
    for folder in sys.modules[TASKS].__path__:
        path = os.path.join(folder, parts[0] + ".py")
        if os.path.isfile(path):
            module = TASKS + "." + parts[0]
            FOUND[module] = spec_of(module, FreshLoader, path)
            return module, parts[-1]
        if os.path.isfile(os.path.join(folder, parts[0], "__init__.py")):
            return ".".join([TASKS, *parts[:-1]]), parts[-1]
    return name.rpartition(".")[0], parts[-1]


def resolve(name, channel=None):
    """What the dotted `name` names, its module imported."""
    module_name, attribute = module_of(name)
    # Unlike `importlib.import_module`, this leaves Python's own frames out of tracebacks.
    __import__(module_name)
    if channel:
        channel.note(DEBUG, "Successfully imported " + module_name)
    module = sys.modules[module_name]
    try:
        found = getattr(module, attribute)
    except AttributeError:
        raise Unusable(why_missing(module, attribute)) from None
    if not callable(found):
        raise Unusable("`%s` is not callable: it is of type %s" % (name, type(found).__name__))
    return found


def why_missing(module, attribute):
    """That a module lacks a function, or a folder of the tasks folder a program."""
    file = getattr(module, "__file__", None)
    for folder in () if file else getattr(module, "__path__", ()):
        if any(folder.startswith(tasks + os.sep) for tasks in sys.modules[TASKS].__path__):
            for entry in sorted(os.listdir(folder)):
                path = os.path.join(folder, entry)
                is_meant = entry == attribute or entry.startswith(attribute + ".")
                if is_meant and not entry.endswith(".py") and os.path.isfile(path):
                    return "%s is not executable: chmod +x makes it so" % path
            program = os.path.join(folder, attribute)
            return "there is no executable %s or %s.*, and no %s" % (
                program,
                program,
                os.path.join(folder, "__init__.py"),
            )
    return "%s has no function `%s`" % (file or module.__name__, attribute)


# --- Running ---------------------------------------------------------------------------------


class Attempt:
    """One call of the task, with all that surrounds it."""

    # What the one that is being made was told.
    request = None

    def __init__(self, request, channel):
        Attempt.request = request
        self.channel = channel
        self.job = request["job"]
        self.unresolved = None
        self.returned = None

    def run(self):
        """The result to report, and the exit code."""
        outcome = None
        try:
            enter(self.request.get("directory"))
            if PACKAGE not in sys.modules:
                install_packages(self.request["tasks"])
            context = background_context(self.request, self.channel)
            try:
                outcome = self.outcome()
            finally:
                if context is not None:
                    context.close()
        except BaseException as error:
            # What the task itself raised says more than what followed from it.
            if outcome is None or outcome[0]["error"] is None:
                outcome = self.failed(error)
        return outcome

    def outcome(self):
        """Calls the task; no exception of it gets out into docassemble's context."""
        earlier = self.request["failure"]
        if earlier is not None:
            import builtins

            return self.failed(getattr(builtins, earlier["type"])(earlier["message"]))
        try:
            self.call_in_context()
        except SystemExit as error:
            if self.unresolved is None and is_success(error.code):
                return success(self.returned)
            return self.failed(error)
        except BaseException as error:
            return self.failed(error)
        # A context that swallows exceptions cannot make a task exist.
        return success(self.returned) if self.unresolved is None else self.failed(self.unresolved)

    def failed(self, error):
        """The failure to report, once the error handler has been told."""
        result, code = failure(error)
        if not self.channel.is_heard():
            print_error(error, result["error"])
        if self.tells_handler():
            if self.request["failure"] is None:
                # The handler may end the process, or never come back: what is wrong stays known.
                self.channel.report({**result, "handled": False})
            result["handled"] = self.is_handled(error)
        return result, code

    def tells_handler(self):
        """Whether the error handler is called here: not for what comes of being ended, which may be
        no failure."""
        wanted = self.request["is_final"] and self.request["error_handler"] is not None
        return wanted and not self.channel.is_given_notice()

    def is_handled(self, error):
        """Tells the job's error handler of `error`: whether it took it."""
        name = self.request["error_handler"]
        if not self.channel.is_own():
            return False
        try:
            completed(resolve(name)(error, sys.modules[PACKAGE + ".job_data"].get_cur_job()))
            return True
        except BaseException as second:
            text = "The error handler '%s' failed:\n%s" % (name, traceback_of(second).rstrip())
            self.channel.note(ERROR, text)
            return False

    def call_in_context(self):
        """Enters the job's context manager, if it has one, and calls the task in it."""
        if not self.request["announced"]:
            self.channel.note(INFO, "Calling task '%s'" % self.job)
        name = self.request["contextmanager"]
        if name is None:
            return self.call()
        with self.resolved(name)():
            self.channel.note(DEBUG, "Successfully started context:'%s'" % name)
            return self.call()

    def resolved(self, name):
        """What `name` names; that there is nothing is remembered, whoever handles it."""
        try:
            return resolve(name, self.channel)
        except BaseException as error:
            self.unresolved = error
            reason = "%s: %s" % (type(error).__name__, shown(error, LONGEST_VALUE))
            self.channel.note(CRITICAL, "Could not import '%s': %s" % (name, reason))
            raise

    def call(self):
        """Calls the function, to the end of a coroutine that it returns."""
        function = self.resolved(self.request["task"])
        args = decoded(self.request["args"])
        kwargs = decoded(self.request["kwargs"])
        value = completed(function(*args, **kwargs))
        if not self.channel.is_own():
            return
        if is_generator(value):
            self.channel.note(
                WARNING,
                "'%s' returned a generator, through which nobody goes: "
                "a function with a `yield` runs none of its code" % self.job,
            )
        elif value is not None:
            self.returned = shown(value, LONGEST_VALUE)
            if is_true(value):
                self.channel.note(INFO, "'%s' returned '%s'" % (self.job, self.returned))


class CannotStart(Exception):
    """The run cannot begin."""

    __module__ = "builtins"


def enter(directory):
    """Makes `directory` the one that the task works in, where that is not done."""
    if directory is not None:
        try:
            os.chdir(directory)
        except OSError as error:
            reason = os.strerror(error.errno)
            text = "the directory %s cannot be entered: %s" % (directory, reason)
            raise CannotStart(text) from None


def completed(value):
    """What a coroutine gives in the end; any other value is itself."""
    if value is None:
        return None
    import types

    if isinstance(value, types.CoroutineType):
        import asyncio

        return asyncio.run(value)
    return value


def is_generator(value):
    """Whether `value` is code that has not run yet."""
    if value is None:
        return False
    import types

    return isinstance(value, (types.GeneratorType, types.AsyncGeneratorType))


def is_true(value):
    """Whether `value` is true; one that cannot tell is something to show."""
    try:
        return bool(value)
    except Exception:
        return True


def print_error(error, described):
    """Says on standard error what Python says of what ends a process."""
    is_exit = issubclass(type(error), SystemExit)
    if is_exit and (error.code is None or isinstance(error.code, int)):
        return
    try:
        sys.stderr.write(described["message"] + "\n" if is_exit else described["traceback"])
    except Exception:
        pass  # There is no other place to say it.


def success(returned):
    return {"returned": returned, "error": None}, 0


def failure(error):
    """The result of a run that `error` ended, and the exit code that Python would give it."""
    reported = described(type(error).__name__, shown(error), traceback_of(error))
    return {"returned": None, "error": reported}, exit_code(error)


def is_success(code):
    """Whether Python takes `code` for the end of a process that went well: no number but a whole
    one is."""
    return code is None or (isinstance(code, int) and code == 0)


def exit_code(error):
    # Not what it says of its class, which may be anything.
    is_exit = issubclass(type(error), SystemExit)
    if is_exit and isinstance(error.code, int) and error.code & 255:
        return error.code
    return 1


def traceback_of(error):
    """The traceback of `error` with its causes, as Python prints it, without our own frames."""
    try:
        import traceback

        told = traceback.TracebackException.from_exception(error)
        without_our_frames(told, traceback.StackSummary)
        return "".join(told.format())
    except BaseException:
        # Such as where a task has used up all descriptors, or taken Python's own modules away.
        return traceback_without_code(error)


CAUSED = "\nThe above exception was the direct cause of the following exception:\n\n"
MEANWHILE = "\nDuring handling of the above exception, another exception occurred:\n\n"


def traceback_without_code(error):
    """The same without the lines of code, for which nothing need be loaded."""
    parts, seen = [], set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        parts.append("%s: %s\n" % (type(error).__name__, shown(error, LONGEST_VALUE)))
        parts.append("".join(places_of(error)))
        before, link = error.__cause__, CAUSED
        if before is None and not error.__suppress_context__:
            before, link = error.__context__, MEANWHILE
        error = before
        if error is not None and id(error) not in seen:
            parts.append(link)
    return "".join(reversed(parts))


def places_of(error):
    """The lines of a traceback, without our own frames."""
    step = error.__traceback__
    if step is not None:
        yield "Traceback (most recent call last):\n"
    while step is not None:
        if not step.tb_frame.f_code.co_filename.startswith(NOT_THEIRS):
            yield place(step.tb_frame, step.tb_lineno)
        step = step.tb_next


def without_our_frames(told, summary):
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
            one.stack = summary.from_list(kept)
        waiting += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or [])]


# --- docassemble's background context ---------------------------------------------------------


class ContextError(Exception):
    """docassemble's background context cannot be entered."""

    __module__ = "builtins"


SERVICES = {
    "redis": "redis",
    "sqlalchemy": "the SQL database",
    "psycopg2": "the SQL database",
    "psycopg": "the SQL database",
    "amqp": "RabbitMQ",
    "kombu": "RabbitMQ",
}


def background_context(request, channel):
    """docassemble's background context, entered, where it is wanted and can be had.

    Whoever gets it closes it.
    """
    wanted = request["docassemble_context"]
    if wanted == "off":
        return None
    if wanted == "on" or can_import("docassemble.webapp"):
        return entered(request["config_file"])
    if request["absence"] is not None:
        channel.note(DEBUG, request["absence"])
    return None


def can_import(name):
    """Whether a module of that name is installed; only the packages above it are imported."""
    # There is nothing in the package that we made because there is none.
    if not list(sys.modules["docassemble"].__path__):
        return False
    try:
        import importlib.util

        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def entered(config_file):
    """docassemble's background context, entered; the caller closes it."""
    import contextlib

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
