"""What a scenario can measure: works that are timed between the two sets of a stage, or between loopback servers.

A work runs one program once and returns its figures (named in results.FIGURES). Nothing it starts may outlive it.
"""
import collections.abc
import contextlib
import dataclasses
import json
import shutil
import subprocess
import threading
import time

import measure
import results
from stage import DATA, SERVER_OPTIONS, create_collections
from sync import Sync, caught_up, compared, copied_documents, following

LANES = {"lanes": 0, "connections": 0}  # 0: what sluice chooses
URI_OPTIONS = {"source_uri_options": "", "destination_uri_options": ""}  # as compressors=zstd


def engine_figures(user, system, peak_memory_bytes, gigabytes=None, changes=None):
    figures = {"engine_user_seconds": user, "engine_system_seconds": system, "peak_memory_bytes": peak_memory_bytes}
    if gigabytes:
        figures |= {"engine_cpu_seconds_per_gb": (user + system) / gigabytes,
                    "engine_user_seconds_per_gb": user / gigabytes}
    if changes:
        figures["engine_cpu_seconds_per_100k"] = (user + system) * 100_000 / changes
    return figures


def ceiling(stage, _sluice):
    """The destination's ceiling: the documents replayed from memory, by a client that costs nothing."""
    out, options, figures = stage.folder / "ceiling.json", stage.options, {}
    with stage.server_cpu(figures):
        stage.ceiling("--source", stage.source.uri, "--destination", stage.destination.uri, "--namespace", "lim.docs",
                      "--connections", options["ceiling_connections"], "--batch-documents", options["batch_documents"],
                      "--in-flight", options["in_flight"], "--socket-buffer-kib", options["socket_buffer_kib"],
                      *([] if options["acknowledged"] else ["--unacknowledged"]), "--json", out)
    return figures | client_figures(measure.json_of(out))


def client_figures(found):
    """What sluice-ceiling tells; it is no engine, but stands where one would."""
    return {"wall_seconds": found["wall_seconds"],
            "client_cpu_seconds_per_gb": (found["user_seconds"] + found["system_seconds"]) / (found["bytes"] / 1e9)}


def drain(stage, _sluice):
    """The source read once and forgotten, over one connection by a client that costs nothing."""
    out, options, figures = stage.folder / "drain.json", stage.options, {}
    with stage.server_cpu(figures):
        stage.ceiling("--source", stage.source.uri, "--read", "--namespace", "lim.docs", "--batch-documents",
                      options["batch_documents"], "--socket-buffer-kib", options["socket_buffer_kib"],
                      *([] if options["exhaust"] else ["--no-exhaust"]),
                      *(["--secondary"] if options["secondary"] else []), "--json", out)
    return figures | client_figures(measure.json_of(out))


def creates(stage, _sluice):
    """What the destination needs for the bare creates of as many collections."""
    figures = {}
    with stage.server_cpu(figures):
        wall = create_collections(stage, stage.destination)["wall_seconds"]
    return figures | {"wall_seconds": wall, "milliseconds_per_collection": wall * 1000 / stage.options["collections"]}


def with_words(uri, words):
    """The URI with options such as compressors=zstd added."""
    return uri + ("&" if "?" in uri else "/?" if uri.count("/") == 2 else "?") + words if words else uri


def timed_copy(stage, sluice):
    summary, figures = stage.folder / "summary.json", {}
    arguments = [sluice, "copy", "--source", with_words(stage.source.uri, stage.options["source_uri_options"]),
                 "--destination", with_words(stage.destination.uri, stage.options["destination_uri_options"]),
                 "--summary-json", summary]
    for name in LANES:
        if stage.options[name]:
            arguments += [f"--{name}", stage.options[name]]
    with stage.server_cpu(figures):
        run = measure.measured(arguments, stage.folder / "sluice.log", stage.engine_cores)
    return figures | {"wall_seconds": run["wall_seconds"]} | engine_figures(
        run["user_seconds"], run["system_seconds"], run["peak_memory_bytes"], measure.json_of(summary)["bytes"] / 1e9)


def copy(stage, sluice):
    """`sluice copy`, the whole program from its start to its end."""
    figures = timed_copy(stage, sluice)
    if stage.first:
        stage.equal_or_fail()
    return figures


def copy_many(stage, sluice):
    """The same of very many collections, with what they cost the servers."""
    with measure.most_open_files([one.mongod for one in stage.sets]) as most:
        figures = timed_copy(stage, sluice)
    if stage.first:
        stage.equal_or_fail()
    return figures | {"milliseconds_per_collection": figures["wall_seconds"] * 1000 / stage.options["collections"],
                      "destination_memory_bytes": measure.peak_memory_bytes(stage.destination.mongod),
                      "open_files": most[0]}


@contextlib.contextmanager
def writing(stage):
    """An application that changes the source at an even rate, until the block ends."""
    process = subprocess.Popen(
        [str(one) for one in (stage.tools["sluice-lab"], "backlog", "--uri", stage.source.uri, "--rate",
                              stage.options["writes_per_second"], "--seconds", 3600)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
        if process.poll() is not None:
            raise measure.Failure(f"the writer ended by itself, with code {process.returncode}")
    finally:
        process.kill()
        process.wait()


def live_copy(stage, sluice):
    """The copy of a live sync from its start until it follows, with its capture and a writer on the source."""
    figures = {}
    with Sync(sluice, stage) as sync:
        with stage.server_cpu(figures), writing(stage):
            now = sync.until(following)
            copied = time.monotonic()
            user, system = sync.cpu_seconds()
        gigabytes = now["collectionCopy"]["estimatedCopiedBytes"] / 1e9
        figures |= {"wall_seconds": copied - sync.begun} | engine_figures(
            user, system, sync.peak_memory_bytes(), gigabytes)
        sync.until_applied(stage.end_of_oplog())
        figures["catch_up_seconds"] = time.monotonic() - copied
        if stage.first:
            stage.equal_or_fail()
    return figures


@contextlib.contextmanager
def watching(sync, polls_per_second):
    """Operators' scripts and pages that ask for progress at an even rate, until the block ends. Yields how many answers
    they got so far."""
    answers, over = [0], threading.Event()

    def ask():
        due = time.monotonic()
        while not over.wait(max(0, due - time.monotonic())):
            due += 1 / polls_per_second
            answers[0] += sync.progress() is not None

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def whole_run(stage, sluice, polls_per_second=0):
    """A live sync that commits by itself, as a whole: nobody needs to ask it anything."""
    figures = {}
    with Sync(sluice, stage, "--commit-when-caught-up") as sync:
        with stage.server_cpu(figures), contextlib.ExitStack() as others:
            answers = others.enter_context(watching(sync, polls_per_second)) if polls_per_second else [0]
            used = (0, 0, 0)  # of a process that has ended nothing can be asked any more
            while sync.process.poll() is None:
                used = tuple(map(max, used, (*sync.cpu_seconds(), sync.peak_memory_bytes())))
                time.sleep(0.02)
            figures |= {"wall_seconds": time.monotonic() - sync.begun} | engine_figures(*used)
    if sync.process.returncode != 0:
        raise measure.Failure(f"sluice has ended with {sync.process.returncode}:\n{measure.tail(sync.log)}")
    if answers[0] < 0.5 * polls_per_second * figures["wall_seconds"]:
        raise measure.Failure(f"only {answers[0]} answers in {figures['wall_seconds']:.1f} s")
    if stage.first:
        stage.equal_or_fail()
    return figures


def watched_run(stage, sluice):
    """The same, asked for progress many times a second."""
    return whole_run(stage, sluice, stage.options["polls_per_second"])


def catch_up(stage, sluice):
    """A backlog made while nobody followed, from the start of the process until everything is applied."""
    figures, changes = {}, stage.options["changes"]
    with Sync(sluice, stage) as first:
        first.until(caught_up)
        first.end()
    end = json.loads(stage.lab("backlog", "--uri", stage.source.uri, "--kind", stage.options["kind"], "--changes",
                               changes))
    with Sync(sluice, stage) as sync:
        with stage.server_cpu(figures):
            sync.until_applied(end)
            wall = time.monotonic() - sync.begun
            user, system = sync.cpu_seconds()
        figures |= {"wall_seconds": wall, "changes_per_second": changes / wall} | engine_figures(
            user, system, sync.peak_memory_bytes(), changes=changes)
        sync.until(lambda now: now["canCommit"])
        figures["commit_seconds"] = sync.commit()
        sync.process.wait(30)
    if stage.first:
        stage.equal_or_fail()
    return figures


def lag(stage, sluice):
    """How long after the source's acknowledgement the destination returns a document, under an even rate of changes."""
    figures, options = {}, stage.options
    with Sync(sluice, stage, verify=options["verify"]) as sync:
        sync.until(caught_up)
        before = sync.cpu_seconds()
        with stage.server_cpu(figures):
            found = json.loads(stage.lab("lag", "--source", stage.source.uri, "--destination", stage.destination.uri,
                                         "--rate", options["rate"], "--seconds", options["seconds"]))
            after = sync.cpu_seconds()
        figures |= {name: found[name] for name in ("p50_ms", "p90_ms", "p99_ms", "max_ms")}
        figures |= engine_figures(after[0] - before[0], after[1] - before[1], sync.peak_memory_bytes(),
                                  changes=found["changes"])
        figures["commit_seconds"] = sync.commit()
        sync.process.wait(30)
    if stage.first:
        stage.equal_or_fail()
    return figures


def verification(stage, sluice):
    """Both sides compared, document by document, from when the last index was built, while nothing changes."""
    figures = {}
    with Sync(sluice, stage, verify=True) as sync:
        now = sync.until(following)
        begin, before = time.monotonic(), sync.cpu_seconds()
        with stage.server_cpu(figures):
            sync.until(compared)
            wall, after = time.monotonic() - begin, sync.cpu_seconds()
        gigabytes = now["collectionCopy"]["estimatedCopiedBytes"] / 1e9
        figures |= {"wall_seconds": wall, "gigabytes_per_second": gigabytes / wall} | engine_figures(
            after[0] - before[0], after[1] - before[1], sync.peak_memory_bytes(), gigabytes)
        sync.until(lambda now: now["canCommit"])
        figures["commit_seconds"] = sync.commit()
        sync.process.wait(30)
    if stage.first:
        stage.equal_or_fail()
    return figures


def resume(stage, sluice):
    """A live sync killed in the middle of its copy and started again: how soon it goes on, and what it copies again."""
    figures, documents = {}, stage.options["documents"]
    before = stage.destination_inserts()
    with Sync(sluice, stage) as killed:
        killed.until(lambda now: copied_documents(now) >= documents * stage.options["killed_at"])
        killed.kill()
    between = stage.settled_inserts()
    with Sync(sluice, stage) as sync:
        with stage.server_cpu(figures):
            recorded = copied_documents(sync.until(lambda now: now["phase"] == "collection copy"))
            sync.until(lambda now: copied_documents(now) > recorded)
            figures["resumed_seconds"] = time.monotonic() - sync.begun
            sync.until(following)
            figures["wall_seconds"] = time.monotonic() - sync.begun
        figures |= engine_figures(*sync.cpu_seconds(), sync.peak_memory_bytes())
        after = stage.destination_inserts()
        figures["documents_again"] = after - before - documents
        figures["recorded_documents_again"] = after - between - (documents - recorded)
        if stage.first:
            stage.equal_or_fail()
    return figures


def loopback(stage, sluice):
    """The engine alone, between two servers that cost next to nothing (tests/loopback)."""
    figures = loopback_copy(stage, sluice)
    if stage.first and shutil.which("strace"):
        out = stage.folder / "strace.txt"
        traced = loopback_copy(stage, sluice, ["strace", "-f", "-c", "-S", "calls", "-U", "calls,name", "-o", out])
        calls = [line.split() for line in out.read_text().splitlines()]
        figures["system_calls_per_megabyte"] = sum(
            int(one[0]) for one in calls if len(one) == 2 and one[0].isdigit() and one[1] != "total") / (
                traced["gigabytes"] * 1000)
    del figures["gigabytes"]
    return figures


def loopback_server(stage, name, extra):
    uri_file = stage.folder / f"{name}.uri"
    return measure.served([stage.tools["sluice-loopback"], "--set-name", name, "--uri-file", uri_file, *extra],
                          uri_file, stage.folder / f"{name}.log", None if stage.options["anywhere"] else stage.server_cores)


def loopback_copy(stage, sluice, wrapper=()):
    """One copy between fresh servers, on cores of their own unless `anywhere`. Under a wrapper its times mean nothing."""
    options, figures = stage.options, {}
    documents = int(options["gigabytes"] * 1e9 / options["document_bytes"] / options["collections"])
    extra = ["--collections", options["collections"], "--documents", documents, "--document-bytes",
             options["document_bytes"]] + (["--same-ids"] if options["same_ids"] else [])
    documents *= options["collections"]
    with loopback_server(stage, "source", extra) as (source, source_uri), \
         loopback_server(stage, "destination", ["--trust"]) as (destination, destination_uri):
        run = measure.measured([*wrapper, sluice, "copy", "--source", source_uri, "--destination", destination_uri,
                                "--lanes", options["lanes"]], stage.folder / "sluice.log",
                               None if options["anywhere"] else stage.engine_cores)
        figures["source_cpu_seconds"] = sum(measure.cpu_seconds(source.pid))
        figures["destination_cpu_seconds"] = sum(measure.cpu_seconds(destination.pid))
    # The servers print their account when they end.
    told = measure.json_of_last_line(stage.folder / "destination.log")
    if told is None or told["documents_inserted"] < documents:
        raise measure.Failure(f"the destination received {told and told['documents_inserted']} of {documents} "
                              f"documents; sluice said:\n{measure.tail(stage.folder / 'sluice.log')}")
    # Documents that arrive twice (overlapping partitions) are no progress: only the data set counts.
    gigabytes = documents * options["document_bytes"] / 1e9
    figures |= {"wall_seconds": run["wall_seconds"], "gigabytes": gigabytes,
                "gigabytes_per_second": gigabytes / run["wall_seconds"],
                "gigabytes_per_cpu_second": gigabytes / (run["user_seconds"] + run["system_seconds"])}
    return figures | engine_figures(run["user_seconds"], run["system_seconds"], run["peak_memory_bytes"], gigabytes)


@dataclasses.dataclass
class Work:
    run: collections.abc.Callable
    options: dict         # with the values they have when a scenario does not say
    data: tuple = ()      # that must lie in the source
    needs: tuple = ()     # programs beside sluice and the lab's
    pinned: bool = False  # always on cores of its own, so far as there are enough


WORKS = {
    "ceiling": Work(ceiling, {"ceiling_connections": 2, "batch_documents": 10_000, "in_flight": 1, "acknowledged": True,
                              "socket_buffer_kib": 0}, ("lim",)),
    "drain": Work(drain, {"batch_documents": 10_000, "exhaust": True, "secondary": False,
                           "socket_buffer_kib": 0}, ("lim",)),
    "creates": Work(creates, {}, ("many",)),
    "copy": Work(copy, LANES | URI_OPTIONS, ("lim",)),
    "copy_many": Work(copy_many, LANES | URI_OPTIONS, ("many",)),
    "live_copy": Work(live_copy, {"writes_per_second": 1000.0}, ("lim", "changed")),
    "whole_run": Work(whole_run, {}, ("lim",)),
    "watched_run": Work(watched_run, {"polls_per_second": 100.0}, ("lim",)),
    "catch_up": Work(catch_up, {}, ("changed",)),
    "lag": Work(lag, {"rate": 5000.0, "seconds": 600, "verify": False}, ("changed",)),
    "verification": Work(verification, {}, ("lim",)),
    "resume": Work(resume, {"killed_at": 0.5}, ("lim",)),
    "loopback": Work(loopback, {"gigabytes": 4.0, "document_bytes": 860, "collections": 4, "same_ids": False,
                                "lanes": 1, "anywhere": False}, needs=("sluice-loopback",), pinned=True),
}
figures = results.FIGURES
works, data = WORKS, DATA


def options(of_data, of_works):
    """Everything that a scenario of such data and works may say, with defaults."""
    found = dict(SERVER_OPTIONS) if of_data else {}
    for one in [*(DATA[name] for name in of_data), *(WORKS[name] for name in of_works)]:
        found |= one.options
    return found
