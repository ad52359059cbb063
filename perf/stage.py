"""Where a scenario plays: two one-node sets, the data that lies in the source, and the starting point of every run.

Data that works change is made anew before each run; everything else must stay as it was loaded.
"""
import collections.abc
import contextlib
import dataclasses
import json
import os
import shutil
import time

import measure

LIM_DOCUMENT_BYTES = 861
OPLOG_NOTE_BYTES = 400  # what a change of 300 bytes takes in an oplog, about
SERVER_OPTIONS = {"source_version": "6.0.27", "destination_version": "6.0.27", "cache_gb": 2.0, "source_nodes": 1,
                  "mongod_arguments": []}


class Stage:
    """Where a scenario plays: the programs, its options, its folder, and the two sets if it has data."""

    def __init__(self, scenario, tools, folder, pinned):
        self.options, self.data, self.tools, self.folder = scenario.options, scenario.data, tools, folder
        self.first = True  # the first round checks what the others need not
        self.engine_cores = self.server_cores = None
        if pinned:
            self.engine_cores, self.server_cores = placement(self.options.get("lanes") or 1)
        self.spool = folder / "spool"
        self.sets = ()

    @property
    def source(self):
        return self.sets[0]

    @property
    def destination(self):
        return self.sets[1]

    def cores(self):
        """For the result: who was pinned where, if at all."""
        return {"engine": sorted(self.engine_cores), "servers": sorted(self.server_cores)} if self.engine_cores else None

    def with_options(self, settings, work):
        """What `work()` returns, with these options instead of the scenario's."""
        own = self.options
        self.options = own | settings
        try:
            return work()
        finally:
            self.options = own

    def lab(self, *arguments):
        return measure.run([self.tools["sluice-lab"], *arguments])

    def ceiling(self, *arguments):
        return measure.run([self.tools["sluice-ceiling"], *arguments])

    def empty(self, side, but_for):
        """Drops everything but such data, and writes a checkpoint."""
        keep = [word for one in but_for for database in one.databases(self.options) for word in ("--keep", database)]
        self.ceiling("--destination", side.uri, "--empty", *keep)

    def destination_inserts(self):
        """Documents that were ever sent to the destination in inserts, duplicates included: its own count."""
        return int(self.ceiling("--destination", self.destination.uri, "--count-inserts"))

    def settled_inserts(self):
        """The same, once commands that a killed program had sent are over."""
        count = None
        while (now := self.destination_inserts()) != count:
            count = now
            time.sleep(0.1)
        return count

    def end_of_oplog(self):
        """A time behind everything that the source has done."""
        return json.loads(self.lab("backlog", "--uri", self.source.uri, "--changes", 0))

    def equal_or_fail(self):
        self.lab("compare", "--brief", "--source", self.source.uri, "--destination", self.destination.uri)
        measure.say("both sides are equal, byte by byte")

    @contextlib.contextmanager
    def opened(self):
        """Starts both sets and loads the data."""
        if not self.data:
            yield self
            return
        options = self.options
        with contextlib.ExitStack() as stack:
            self.sets = tuple(stack.enter_context(measure.replica_set(
                self.tools["sluice-lab"], name, self.folder, options[f"{name}_version"], options["cache_gb"],
                arguments=options["mongod_arguments"], pinned_to=self.server_cores,
                nodes=options["source_nodes"] if name == "source" else 1)) for name in ("source", "destination"))
            for name in self.data:
                if not DATA[name].changes:
                    measure.say(f"loading {name} into the source")
                    DATA[name].load(self)
            yield self

    def reset(self):
        """The same starting point for every run: the source as it was, the destination empty, both at rest."""
        shutil.rmtree(self.spool, ignore_errors=True)
        if not self.data:
            return
        data = [DATA[name] for name in self.data]
        if any(one.changes for one in data):
            self.empty(self.source, [one for one in data if not one.changes])
            for one in data:
                if one.changes:
                    one.load(self)
            self.empty(self.source, data)  # drops nothing: writes a checkpoint
        self.empty(self.destination, [])
        measure.wait_for_rest(self.sets)

    @contextlib.contextmanager
    def server_cpu(self, figures):
        before = [one.cpu_seconds() for one in self.sets]
        yield
        for name, one, at_begin in zip(("source", "destination"), self.sets, before):
            figures[f"{name}_cpu_seconds"] = one.cpu_seconds() - at_begin


def placement(lanes):
    """Cores of the engine and of the servers: apart while there are enough, else shared, which is said."""
    cores = sorted(os.sched_getaffinity(0))
    apart = lanes < len(cores)
    engine, servers = (set(cores[-lanes:]), set(cores[:-lanes])) if apart else (set(cores), set(cores))
    measure.say(f"engine on cores {sorted(engine)}, servers on cores {sorted(servers)}"
                + ("" if apart else ": shared, so GB/s is the machine's and not the engine's"))
    return engine, servers


def load_lim(stage):
    stage.lab("load", "--uri", stage.source.uri, "--dataset", "lim", "--documents", stage.options["documents"])


def create_collections(stage, to):
    options, out = stage.options, stage.folder / "creates.json"
    stage.ceiling("--destination", to.uri, "--namespace", "many", "--creates", options["collections"], "--databases",
                  options["databases"], "--documents-each", options["documents_each"], "--connections",
                  options["creating_connections"], "--json", out)
    return measure.json_of(out)


def many_databases(options):
    """As sluice-ceiling --creates names them."""
    return ["many"] if options["databases"] == 1 else [f"many{number}" for number in range(options["databases"])]


def prepare_changed(stage):
    stage.lab("backlog", "--uri", stage.source.uri, "--kind", stage.options["kind"], "--changes",
              stage.options["changes"], "--prepare")


@dataclasses.dataclass
class Data:
    load: collections.abc.Callable
    options: dict
    databases: collections.abc.Callable  # that it lies in, by the options
    bytes: collections.abc.Callable      # how much it is, about, by the options
    changes: bool = False                # works change it: it is made anew before each run


COLLECTION_BYTES = 60_000  # two files and their place in catalog and journal, as seen on 6.0
DATA = {
    "lim": Data(load_lim, {"documents": 1_000_000}, lambda o: ["lim"],
                lambda o: o["documents"] * LIM_DOCUMENT_BYTES),
    "many": Data(lambda stage: create_collections(stage, stage.source),
                 {"collections": 20_000, "databases": 4, "documents_each": 0, "creating_connections": 2},
                 many_databases, lambda o: o["collections"] * COLLECTION_BYTES),
    "changed": Data(prepare_changed, {"kind": "mixed", "changes": 150_000}, lambda o: ["backlog"],
                    lambda o: (o["changes"] + 150_000) * OPLOG_NOTE_BYTES, changes=True),
}


def disk_bytes(scenario, arms):
    """What a scenario may take on disk, at most: the data, and an oplog entry for each byte that a run writes.

    Stored bytes are compressed by half or better; what a server has dropped it gives back.
    """
    if not scenario.data:
        return 0
    once = sum(DATA[name].bytes(scenario.options) for name in scenario.data)
    return SERVERS_BYTES + once * (4 + scenario.rounds * arms) // 2


SERVERS_BYTES = 2 * 700_000_000  # journals and system collections of two empty servers
