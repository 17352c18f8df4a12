"""Tells whether dotted names name something that can be called, without running any of it.

Task files and packages are found as Python would find them and read as syntax trees; no module
is imported for it. Everything here is standard library and runs on Python 3.8 and later.
"""

import ast
import importlib.machinery
import json
import os
import sys
import time
import warnings
from types import ModuleType

TASKS = "docassemble.Scheduler.tasks."
PLAYGROUND = "docassemble.playground"

MANY_MISSES = 100  # so many missing names get suggestions, which take time
SUGGESTING_S = 0.5  # so many seconds of work may all suggestions together take
SUGGESTIONS = 3


def main(stream):
    """Answers the request on `stream` with the last line of standard output."""
    warnings.simplefilter("ignore")
    request = json.loads(stream.read().decode("utf-8"))
    sys.path.extend(folder for folder in request["tasks"] if folder not in sys.path)
    search = Search(request["tasks"])
    if "calls" in request:
        answer = [search.check_call(call) for call in request["calls"]]
    else:
        answer = [search.look_up(name) for name in request["names"]]
    print("\n" + json.dumps(answer), flush=True)


class NoAnswer(Exception):
    """A name that names nothing that can be called, with what to say of it."""

    def __init__(self, kind, **answer):
        super().__init__(kind)
        self.answer = {"kind": kind, **answer}


# --- Finding files ---------------------------------------------------------------------------


class Search:
    """Looks names up; each file is read once."""

    def __init__(self, tasks):
        self.own = [folder.rstrip(os.sep) for folder in tasks]
        self.tasks = tasks + installed_tasks(tasks)
        self.modules = {}
        self.places = {}
        self.misses = 0
        self.budget = Budget(SUGGESTING_S)

    def look_up(self, name):
        """What the dotted `name` names."""
        try:
            module, attribute = self.module_of(name)
            return {"kind": "function", "file": module.file, "line": module.line_of(attribute)}
        except NoAnswer as no_answer:
            return self.with_suggestions(name, no_answer.answer)
        except Exception as error:
            # Finders that the environment brings along may raise anything.
            return {"kind": "opaque", "why": "it cannot be looked into: %r" % error}

    def module_of(self, name):
        """The module that `name` is looked for in, and its attribute there."""
        parts = parts_of(name)
        for folder in self.tasks:
            file = os.path.join(folder, parts[0] + ".py")
            if os.path.isfile(file):
                return self.read(file), parts[-1]
            if os.path.isfile(os.path.join(folder, parts[0], "__init__.py")):
                return self.find(tuple(parts[:-1]), folder), parts[-1]
        return self.find(tuple(parts[:-1]), None), parts[-1]

    def find(self, parts, folder):
        """The module of that name, below `folder` or wherever Python finds it."""
        place = parts, folder
        if place not in self.places:
            try:
                self.places[place] = self.walk(parts, folder)
            except NoAnswer as no_answer:
                self.places[place] = no_answer
        found = self.places[place]
        if isinstance(found, NoAnswer):
            raise NoAnswer(**found.answer)
        return found

    def walk(self, parts, folder):
        """Goes down from package to package; none of them is executed."""
        above = None
        path = None if folder is None else [folder]
        made = []
        try:
            for depth in range(1, len(parts) + 1):
                name = ".".join(parts[:depth])
                spec = find_spec(name, path)
                if spec is None:
                    self.refuse_missing(parts, depth, above, folder)
                above = spec
                path = spec.submodule_search_locations
                path = [] if path is None else wider(list(path), name, folder)
                if name not in sys.modules:
                    # What lies in folders without `__init__.py` is asked of the module above it.
                    sys.modules[name] = ModuleType(name)
                    sys.modules[name].__path__ = path
                    made.append(name)
        finally:
            for name in made:
                del sys.modules[name]
        return self.module(above)

    def refuse_missing(self, parts, depth, above, folder):
        """Says that the first `depth` of `parts` name no module of the package `above`."""
        name = ".".join(parts[:depth])
        if above is None:
            what = "module `%s`" % ".".join(parts)
            if folder is None and self.tasks and len(parts) == 1:
                what = self.shown(os.path.join(self.tasks[0], name + ".py"))
            raise NoAnswer("no-module", what=what, near=[])
        if self.may_make_modules(above, name.rpartition(".")[2]):
            why = "`%s` makes its modules only when it runs" % above.name
            raise NoAnswer("opaque", why=why)
        raise NoAnswer("no-module", what="module `%s`" % name, near=[])

    def may_make_modules(self, spec, part):
        """Whether a module could appear in a package or module when that runs."""
        source = source_of(spec)
        if source is None:
            return spec.origin is not None
        module = self.read(source)
        return module.is_dynamic or part in module.lines

    def module(self, spec):
        """The syntax of the module that `spec` describes."""
        source = source_of(spec)
        if source is not None:
            return self.read(source)
        if spec.submodule_search_locations is not None and not spec.has_location:
            what = "file `__init__.py` of the package `%s`" % spec.name
            raise NoAnswer("no-module", what=what, near=[])
        raise NoAnswer("opaque", why="`%s` is a module without source" % spec.name)

    def read(self, file):
        """The syntax of a file, read once."""
        if file not in self.modules:
            self.modules[file] = Module(file, self.shown(file))
        return self.modules[file]

    def shown(self, file):
        """A file as people should read it: one of the tasks folder with that folder's name and no
        more before it."""
        for folder in self.own:
            if file.startswith(os.path.join(folder, "")):
                return file[len(folder) - len(os.path.basename(folder)) :]
        return file

    # --- Suggestions

    def with_suggestions(self, name, answer):
        """The answer with whole names that exist and are near, unless that takes too long."""
        if "near" not in answer:
            return answer
        self.misses += 1
        if self.misses > MANY_MISSES:
            return answer
        parts = name.split(".")
        function = answer["kind"] == "no-function"
        try:
            with self.budget:
                found = self.near_function(parts) if function else self.near_module(parts)
        except Exhausted:
            return answer
        return {**answer, "near": found[:SUGGESTIONS]}

    def near_function(self, parts):
        """Names that differ in the function."""
        module, attribute = self.module_of(".".join(parts))
        return [".".join([*parts[:-1], near]) for near in self.nearest(attribute, module.functions)]

    def near_module(self, parts):
        """Names of task files that differ in the file, or in both."""
        files = {}
        for folder in reversed(self.tasks):
            for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                file = os.path.join(folder, entry)
                if entry.endswith(".py") and entry.isprintable() and os.path.isfile(file):
                    files[entry[:-3]] = file
        found = []
        for stem in self.nearest(parts[0], files):
            module = self.read(files[stem])
            found += [stem + "." + near for near in self.nearest(parts[-1], module.functions)]
        return found

    def nearest(self, wanted, names):
        """Those of `names` that differ from `wanted` in a third of its letters at most."""
        reach = len(wanted) // 3
        found = []
        for name in dict.fromkeys(names):
            self.budget.check()
            steps = distance(wanted, name, reach)
            if steps <= reach:
                found.append((steps, name))
        return [name for _, name in sorted(found)]

    # --- Calls

    def check_call(self, call):
        """What is wrong with a call, as far as the function's head tells; `None` for nothing."""
        try:
            module, attribute = self.module_of(call["name"])
            head = module.plain_function(attribute)
        except Exception:
            # What is wrong with the name is another question.
            return None
        fault = head and fault_of_call(head, call["positional"], call["keywords"])
        if not fault:
            return None
        return {
            "message": "%s() %s" % (attribute, fault),
            "file": module.file,
            "line": head.lineno,
            "source": module.source_line(head.lineno),
        }


def parts_of(name):
    """The parts of a dotted name."""
    name = name[len(TASKS) :] if name.startswith(TASKS) else name
    if name.startswith(PLAYGROUND):
        raise NoAnswer("opaque", why="docassemble's playground is looked into only when it runs")
    parts = name.split(".")
    if len(parts) < 2 or not all(parts) or os.sep in name or "\0" in name:
        raise NoAnswer("unusable", why="`%s` does not have the form FILE.FUNCTION" % name)
    return parts


def find_spec(name, path):
    """Where a module is, by the first of Python's finders that knows."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find(name, path) if find else None
        if spec is not None:
            return spec
    return None


def wider(path, name, folder):
    """`path` with all folders of that name: old namespace packages join theirs when they run."""
    if folder is not None:
        return path
    below = [os.path.join(entry, *name.split(".")) for entry in sys.path]
    return path + [entry for entry in below if entry not in path and os.path.isdir(entry)]


def source_of(spec):
    """The file with the source of the module, if it has one."""
    if isinstance(spec.loader, importlib.machinery.SourceFileLoader):
        return spec.origin
    # Some modules of Python are a part of it, and have their source beside them.
    return getattr(spec.loader_state, "filename", None)


def installed_tasks(tasks):
    """The tasks folders of an installed docassemble.Scheduler."""
    folders = [os.path.join(entry, "docassemble", "Scheduler", "tasks") for entry in sys.path]
    return [folder for folder in folders if folder not in tasks and os.path.isdir(folder)]


# --- Reading files ---------------------------------------------------------------------------


class Module:
    """The names that a Python file binds, each with its line."""

    def __init__(self, path, file):
        self.file = file
        self.text = b""
        self.fault = None
        bindings = Bindings()
        try:
            with open(path, "rb") as stream:
                self.text = stream.read()
            bindings.visit(ast.parse(self.text, path))
        except OSError as error:
            self.fault = "%s cannot be read (%s)" % (file, error.strerror)
        except SyntaxError as error:
            where = "line %d: " % error.lineno if error.lineno else ""
            self.fault = "%s is not Python (%s%s)" % (file, where, error.msg)
        except ValueError as error:
            self.fault = "%s is not Python (%s)" % (file, error)
        except (RecursionError, MemoryError):
            self.fault = "%s is nested too deeply" % file
        self.lines = bindings.lines
        self.nodes = bindings.nodes
        self.star = bindings.star
        self.is_dynamic = bindings.is_dynamic or b"__path__" in self.text
        self.functions = [name for name in bindings.defined if not name.startswith("_")]

    def line_of(self, name):
        """The line that binds `name`."""
        if self.fault:
            raise NoAnswer("unusable", why=self.fault)
        line = self.lines.get(name) or self.lines.get("__getattr__") or self.star
        if line:
            return line
        if self.is_dynamic:
            why = "%s makes names when it runs, and `%s` may be one" % (self.file, name)
            raise NoAnswer("opaque", why=why)
        raise NoAnswer("no-function", file=self.file, function=name, near=[])

    def plain_function(self, name):
        """The only binding of `name`, if that is a `def` without decorators."""
        nodes = self.nodes.get(name, [])
        plain = (ast.FunctionDef, ast.AsyncFunctionDef)
        if len(nodes) == 1 and isinstance(nodes[0], plain) and not nodes[0].decorator_list:
            return nodes[0]
        return None

    def source_line(self, number):
        """One line of the file, without its indentation."""
        lines = self.text.split(b"\n")[number - 1 : number]
        return b"".join(lines).decode("utf-8", "replace").strip()


class Bindings(ast.NodeVisitor):
    """Collects what the statements of a module bind, in whatever branch they stand."""

    def __init__(self):
        self.lines = {}
        self.nodes = {}
        self.defined = []
        self.star = None
        self.is_dynamic = False

    def bind(self, name, node):
        """The last binding counts."""
        self.lines[name] = node.lineno
        self.nodes.setdefault(name, []).append(node)

    def visit_FunctionDef(self, node):
        self.bind(node.name, node)
        self.defined.append(node.name)
        # Whether it is called while the module runs is not known.
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):
                for name in inner.names:
                    self.lines.setdefault(name, inner.lineno)
            elif is_call_of(inner, ("globals", "exec")) or is_of_modules(inner):
                self.is_dynamic = True

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_ClassDef = visit_FunctionDef

    def visit_Lambda(self, node):
        """What it binds is its own."""

    def visit_comprehension(self, node):
        """Its target is its own; an assignment expression inside is not."""
        self.visit(node.iter)
        for condition in node.ifs:
            self.visit(condition)

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Store):
            self.bind(node.id, node)

    def visit_AnnAssign(self, node):
        """Without a value it binds nothing."""
        if node.value is not None:
            self.generic_visit(node)

    def visit_Import(self, node):
        for alias in node.names:
            self.bind(alias.asname or alias.name.partition(".")[0], node)

    def visit_ImportFrom(self, node):
        for alias in node.names:
            if alias.name == "*":
                self.star = node.lineno
            else:
                self.bind(alias.asname or alias.name, node)

    def visit_pattern(self, node):
        if node.name:
            self.bind(node.name, node)
        self.generic_visit(node)

    visit_MatchAs = visit_pattern
    visit_MatchStar = visit_pattern

    def visit_MatchMapping(self, node):
        if node.rest:
            self.bind(node.rest, node)
        self.generic_visit(node)

    def visit_Call(self, node):
        if is_call_of(node, ("globals", "locals", "vars", "exec", "eval", "setattr")):
            self.is_dynamic = True
        self.generic_visit(node)

    def visit_Subscript(self, node):
        """A module may put another one in its own place."""
        if is_of_modules(node):
            self.is_dynamic = True
        self.generic_visit(node)


def is_of_modules(node):
    """Whether `node` is one of `sys.modules`."""
    if not isinstance(node, ast.Subscript):
        return False
    return isinstance(node.value, ast.Attribute) and node.value.attr == "modules"


def is_call_of(node, names):
    """Whether `node` calls one of the functions of these names."""
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return is_call and node.func.id in names


# --- Judging calls ---------------------------------------------------------------------------


def fault_of_call(head, positional, keywords):
    """What is wrong with calling a function so; `None` for nothing that its head tells."""
    arguments = head.args
    by_place = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    by_name = [argument.arg for argument in arguments.args + arguments.kwonlyargs]
    if positional > len(by_place) and not arguments.vararg:
        return too_many(len(by_place), positional)
    for keyword in keywords:
        if keyword in by_name:
            if keyword in by_place[:positional]:
                return "gets several values for `%s`" % keyword
        elif not arguments.kwarg:
            return "has no parameter `%s`" % keyword
    missing = [name for name in required(arguments, positional) if name not in keywords]
    if missing:
        return "needs a value for %s" % " and ".join("`%s`" % name for name in missing)
    return None


def required(arguments, positional):
    """The parameters without a default that so many positional arguments leave open."""
    by_place = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    needed = by_place[positional : len(by_place) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults)
    return needed + [argument.arg for argument, default in pairs if default is None]


def too_many(allowed, given):
    """That more positional arguments were given than a function takes."""
    most = {0: "no positional arguments", 1: "at most 1 positional argument"}
    takes = most.get(allowed, "at most %d positional arguments" % allowed)
    return "takes %s, but %d %s given" % (takes, given, "was" if given == 1 else "were")


# --- Near names ------------------------------------------------------------------------------


class Exhausted(Exception):
    """The time for suggestions is used up."""


class Budget:
    """Time that may be spent in `with` blocks, all together: of this process, so that a busy
    machine changes no answer."""

    def __init__(self, seconds):
        self.left = seconds
        self.since = 0.0

    def __enter__(self):
        self.since = time.process_time()
        self.check()

    def __exit__(self, *_):
        self.left -= time.process_time() - self.since

    def check(self):
        """Raises where nothing is left."""
        if time.process_time() - self.since >= self.left:
            raise Exhausted


def distance(one, other, reach):
    """How many letters must change, or change places, to make one word of another.

    No more than `reach` + 1.
    """
    if abs(len(one) - len(other)) > reach:
        return reach + 1
    before, above, row = [], [], list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        before, above, row = above, row, [place]
        for column, against in enumerate(other, 1):
            steps = min(above[column - 1] + (letter != against), above[column] + 1, row[-1] + 1)
            if column > 1 and place > 1 and one[place - 2] + letter == against + other[column - 2]:
                steps = min(steps, before[column - 2] + 1)
            row.append(steps)
        if min(above + row) > reach:
            return reach + 1
    return row[-1]
