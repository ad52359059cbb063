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
import subprocess
import sys
import threading
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
    name = f"perf/{pathlib.Path(sys.argv[0]).name}"
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"{name}: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt as interrupt:
        print(f"\n{name}: ended by {interrupt}", file=sys.stderr)
        sys.exit(130)


def add_common_options(parser):
    parser.add_argument("--sluice", type=pathlib.Path, metavar="FILE",
                        help="measure this program, not the one built here")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="where the results go (default: build/perf/results)")
    parser.add_argument("--place", type=pathlib.Path, default=PLACE, metavar="FOLDER",
                        help="where the servers' data lies while they run (default: build/perf)")
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="where the programs are (default: build/release, built first)")
    parser.add_argument("--no-build", action="store_true", help="take the programs as they are")


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
                raise Failure(f"{text_of(arguments)} did not start; it said:\n{tail(log_file)}")
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
    """A set run by sluice-lab, and the mongods behind it."""

    def __init__(self, name, process, uri):
        self.name, self.uri = name, uri
        self.mongods = descendants(process.pid, "mongod")

    @property
    def mongod(self):
        """The only one, or the first."""
        return self.mongods[0]

    def cpu_seconds(self):
        return sum(sum(cpu_seconds(one)) for one in self.mongods)


@contextlib.contextmanager
def replica_set(lab, name, folder, version, cache_gb, arguments=(), pinned_to=None, nodes=1):
    """A fresh set with everything in `folder`; `arguments` are more of each mongod's."""
    command = [lab, "run-set", "--dir", folder, "--name", name, "--wt-cache-gb", cache_gb, "--nodes", nodes, "--uri-file",
               folder / f"{name}.uri", *(f"--argument={one}" for one in arguments)]
    if version:
        command += ["--version", version]
    with served(command, folder / f"{name}.uri", folder / f"{name}.log", pinned_to) as (process, uri):
        yield ReplicaSet(name, process, uri)


def stat_fields(pid):
    # The name in parentheses may hold spaces; everything behind it is regular.
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()


def cpu_seconds(pid):
    """User and system seconds so far."""
    _, fields = stat_fields(pid)
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def peak_memory_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def most_open_files(pids):
    """Watches servers while the block runs; it gives a list of one number: the most that one of them had open."""
    most, over = [0], threading.Event()

    def watch():
        with contextlib.suppress(OSError):  # a server has ended; whoever uses it will say so
            while not over.wait(1):
                most[0] = max(most[0], *(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()


def tail(file, characters=2000):
    """The end of a log, for a failure's words."""
    return file.read_text(errors="replace")[-characters:]


def descendants(pid, name_prefix):
    """The processes under `pid` whose name begins so; one at least."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                name, fields = stat_fields(entry.name)
                parents[int(entry.name)] = (int(fields[1]), name)
    found = []
    for candidate, (parent, name) in parents.items():
        while name.startswith(name_prefix) and parent in parents and parent != pid:
            parent = parents[parent][0]
        if name.startswith(name_prefix) and parent == pid:
            found.append(candidate)
    if not found:
        raise Failure(f"no {name_prefix} under process {pid}")
    return sorted(found)


def wait_with_usage(process):
    """Waits for its end; what it used, as the kernel counted it."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def measured(arguments, log_file, pinned_to=None):
    """Runs to the end; wall time, CPU and peak memory as the kernel counted them."""
    with open(log_file, "w") as log:
        begin = time.monotonic()
        process = subprocess.Popen([str(one) for one in arguments], stdout=log, stderr=subprocess.STDOUT,
                                   preexec_fn=pin_to(pinned_to))
        try:
            usage = wait_with_usage(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.monotonic() - begin
    if process.returncode != 0:
        raise Failure(f"{text_of(arguments)} ended with {process.returncode}:\n{tail(log_file)}")
    return {"wall_seconds": wall, "user_seconds": usage.ru_utime, "system_seconds": usage.ru_stime,
            "peak_memory_bytes": usage.ru_maxrss * 1024}


def wait_for_rest(sets):
    """Until all servers have been idle for a while."""
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


def first_line_of(path, beginning=""):
    """Of a file of /proc or /sys: what follows the colon of the line that begins so, or the first line; or nothing."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(path).read_text().splitlines():
            if line.startswith(beginning):
                return line.split(":", 1)[-1].strip()
    return None


def machine():
    """What a reader must know before comparing figures."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"processor": first_line_of("/proc/cpuinfo", "model name"), "cores": len(os.sched_getaffinity(0)),
            "memory_bytes": memory, "kernel": os.uname().release,
            "governor": first_line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            "load": [round(one, 2) for one in os.getloadavg()]}


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.strip() or "unknown"


def allow_open_files():
    """As many as may be, for the servers that are started from here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
