"""A live sync for the works: a `sluice run` of which the API is asked. Must never outlive its block."""
import json
import socket
import subprocess
import time
import urllib.request

import measure


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def without_verification(sluice):
    """What is measured is one thing at a time; a baseline may be older than the flag."""
    told = subprocess.run([str(sluice), "run", "--help"], capture_output=True, text=True, check=False, timeout=60)
    return ["--disableVerification"] if "--disableVerification" in told.stdout else []


class Sync:
    """Between the two sets of a stage; a second one goes on where the first one was."""

    def __init__(self, sluice, stage, *more, verify=False):
        more = [*more, *([] if verify else without_verification(sluice))]
        self.port = free_port()
        self.log = stage.folder / "sluice.log"
        self.begun = time.monotonic()
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [str(one) for one in (sluice, "run", "--source", stage.source.uri, "--destination",
                                      stage.destination.uri, "--port", self.port, "--spool-dir", stage.spool, *more)],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=measure.pin_to(stage.engine_cores))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def progress(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/progress", timeout=10) as reply:
                return json.load(reply)["progress"]
        except OSError:
            return None

    def until(self, condition, seconds=600):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise measure.Failure(f"sluice has ended with {self.process.returncode}:\n{measure.tail(self.log)}")
            now = self.progress()
            if now and condition(now):
                return now
            time.sleep(0.01)
        raise measure.Failure(f"not reached in {seconds} s; sluice said:\n{measure.tail(self.log)}")

    def until_applied(self, end):
        def applied(now):
            at = now.get("lastAppliedOptime")
            return at is not None and (at["T"], at["I"]) >= (end["T"], end["I"])
        return self.until(applied)

    def commit(self):
        call = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1/commit", data=b"{}", method="POST")
        begin = time.monotonic()
        urllib.request.urlopen(call, timeout=10).close()
        self.until(lambda now: now["canWrite"])
        return time.monotonic() - begin

    def cpu_seconds(self):
        return measure.cpu_seconds(self.process.pid)

    def peak_memory_bytes(self):
        return measure.peak_memory_bytes(self.process.pid)

    def end(self):
        """In order: what is applied stays so."""
        self.process.terminate()
        self.process.wait(60)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def copied_documents(now):
    return now["collectionsCopy"]["estimatedDocumentCounts"]["copied"]


def following(now):
    """The copy is over, with its indexes."""
    return now["phase"] == "change event application"


def compared(now):
    """Every collection was read on both sides."""
    return (now.get("verification") or {}).get("source", {}).get("phase") == "stream hashing"


def caught_up(now):
    return now["canCommit"] and now["lagTimeSeconds"] == 0
