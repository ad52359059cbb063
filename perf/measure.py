"""What the measuring scripts share: building, replica sets that end with the script, CPU and memory of processes.

Everything started here is a child that is waited for; nothing is left behind, whatever ends the script.
"""
import contextlib
import json
import os
import pathlib
import resource
import shlex
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "perf"
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """Something the operator can do something about; printed without a stack."""


def say(text):
    print(f"-- {text}", flush=True)


def run_script(main):
    """Runs `main`; turns signals into an orderly end and failures into one line."""

    def end(number, _frame):
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)  # the way out is not interrupted
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"{pathlib.Path(sys.argv[0]).name}: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt as interrupt:
        print(f"\n{pathlib.Path(sys.argv[0]).name}: ended by {interrupt}", file=sys.stderr)
        sys.exit(130)


def add_common_options(parser):
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="where the programs are (default: build/release, built first)")
    parser.add_argument("--no-build", action="store_true", help="take the programs as they are")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every figure there")


def programs(options, names):
    """The paths of the programs by name, built unless --no-build."""
    if not options.no_build:
        say(f"building {', '.join(names)}")
        if options.build_dir == ROOT / "build" / "release":
            run(["cmake", "--preset", "release"], cwd=ROOT, quiet=True)
        run(["cmake", "--build", options.build_dir, "--target", *names], cwd=ROOT, quiet=True)
    found = {name: options.build_dir / name for name in names}
    for name, path in found.items():
        if not os.access(path, os.X_OK):
            raise Failure(f"{path} is missing; run without --no-build, or name another --build-dir")
    return found


def text_of(arguments):
    return shlex.join(str(one) for one in arguments)


def run(arguments, cwd=None, quiet=False):
    """Runs to the end and returns what it printed; its words become the failure's."""
    done = subprocess.run([str(one) for one in arguments], cwd=cwd, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT if quiet else None)
    if done.returncode != 0:
        raise Failure(f"{text_of(arguments)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


def pin_to(cores):
    """What a child does before it becomes the program."""
    return (lambda: os.sched_setaffinity(0, cores)) if cores else None


@contextlib.contextmanager
def served(arguments, uri_file, log_file, pinned_to=None):
    """A server that writes its URI to `uri_file` when ready; ended and waited for at the end of the block."""
    uri_file.unlink(missing_ok=True)
    with open(log_file, "w") as log:
        process = subprocess.Popen([str(one) for one in arguments], stdout=log, stderr=subprocess.STDOUT,
                                   start_new_session=True, preexec_fn=pin_to(pinned_to))
    try:
        deadline = time.monotonic() + 120
        while not uri_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{text_of(arguments)} did not start; it said:\n{log_file.read_text()[-2000:]}")
            time.sleep(0.05)
        yield process, uri_file.read_text().strip()
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        uri_file.unlink(missing_ok=True)


class ReplicaSet:
    """A one-node set run by sluice-lab, and the mongod behind it."""

    def __init__(self, name, process, uri):
        self.name, self.uri = name, uri
        self.mongod = descendant(process.pid, "mongod")
        self.port = int(uri.split("/")[2].split(",")[0].rsplit(":", 1)[1])

    def cpu_seconds(self):
        return sum(cpu_seconds(self.mongod))


@contextlib.contextmanager
def replica_set(lab, name, folder, version, cache_gb, port=0):
    arguments = [lab, "run-set", "--dir", folder, "--name", name, "--wt-cache-gb", cache_gb, "--uri-file",
                 PLACE / f"{name}.uri"]
    if version:
        arguments += ["--version", version]
    if port:
        arguments += ["--port", port]
    with served(arguments, PLACE / f"{name}.uri", PLACE / f"{name}.log") as (process, uri):
        yield ReplicaSet(name, process, uri)


def stat_fields(pid):
    # The name in parentheses may hold spaces; everything behind it is regular.
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()


def cpu_seconds(pid):
    """User and system seconds so far."""
    _, fields = stat_fields(pid)
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def descendant(pid, name_prefix):
    """The process under `pid` whose name begins so."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                name, fields = stat_fields(entry.name)
                parents[int(entry.name)] = (int(fields[1]), name)
    for candidate, (parent, name) in parents.items():
        while name.startswith(name_prefix) and parent in parents and parent != pid:
            parent = parents[parent][0]
        if name.startswith(name_prefix) and parent == pid:
            return candidate
    raise Failure(f"no {name_prefix} under process {pid}")


def measured(arguments, log_file, pinned_to=None):
    """Runs to the end; wall time, CPU and peak memory as the kernel counted them."""
    with open(log_file, "w") as log:
        begin = time.monotonic()
        process = subprocess.Popen([str(one) for one in arguments], stdout=log, stderr=subprocess.STDOUT,
                                   preexec_fn=pin_to(pinned_to))
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            os.wait4(process.pid, 0)
            raise
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failure(f"{text_of(arguments)} ended with {process.returncode}:\n{log_file.read_text()[-2000:]}")
    return {"wall_seconds": wall, "user_seconds": usage.ru_utime, "system_seconds": usage.ru_stime,
            "peak_memory_bytes": usage.ru_maxrss * 1024}


def settle(ceiling, destination, sets):
    """The same starting point for every run: the destination empty and checkpointed, all servers idle."""
    run([ceiling, "--destination", destination.uri, "--empty"])
    deadline = time.monotonic() + 60
    quiet_since, before = None, None
    while time.monotonic() < deadline:
        now, spent = time.monotonic(), sum(one.cpu_seconds() for one in sets)
        if before is not None:
            busy = (spent - before[1]) / (now - before[0])
            quiet_since = (quiet_since or before[0]) if busy < 0.08 else None
            if quiet_since is not None and now - quiet_since >= 1.5:
                return
        before = (now, spent)
        time.sleep(0.5)
    say("the servers did not come to rest within a minute; measuring all the same")


def json_of(file):
    """A program's own account of its run; nothing if it wrote none."""
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return None


def json_of_last_line(file):
    lines = file.read_text().splitlines()
    with contextlib.suppress(ValueError, IndexError):
        return json.loads(lines[-1])
    return None


def machine():
    model = "unknown"
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "memory_bytes": memory,
            "kernel": os.uname().release}


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.strip() or "unknown"


def median(values):
    return statistics.median(values) if values else None


def write_json(options, report):
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=2, default=str) + "\n")
        say(f"wrote {options.json}")


def print_table(titles, rows):
    texts = [titles] + [[one if isinstance(one, str) else f"{one:.2f}" for one in row] for row in rows]
    widths = [max(len(row[i]) for row in texts) for i in range(len(titles))]
    for row in texts:
        print("  ".join(text.rjust(width) for text, width in zip(row, widths)))


def allow_open_files(wanted):
    """Raises the limit for children; returns what was reached."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in ((max(wanted, hard), max(wanted, hard)), (hard, hard)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
            break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
