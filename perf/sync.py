"""A live sync for the measuring scripts: a `sluice run` of which the API is asked."""
import json
import pathlib
import socket
import subprocess
import time
import urllib.request

import measure


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Sync:
    """A `sluice run` of which the API is asked."""

    def __init__(self, sluice, source, destination, folder):
        self.port = free_port()
        self.log = folder / "sluice.log"
        self.begun = time.monotonic()
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [str(one) for one in (sluice, "run", "--source", source.uri, "--destination", destination.uri,
                                      "--port", self.port, "--spool-dir", folder / "spool")],
                stdout=log, stderr=subprocess.STDOUT)

    def progress(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/progress", timeout=10) as reply:
                return json.load(reply)["progress"]
        except OSError:
            return None

    def until(self, condition, seconds=600):
        while time.monotonic() < self.begun + seconds:
            if self.process.poll() is not None:
                raise measure.Failure(f"sluice has ended:\n{self.log.read_text()[-2000:]}")
            now = self.progress()
            if now and condition(now):
                return now
            time.sleep(0.02)
        raise measure.Failure(f"not reached in {seconds} s; sluice said:\n{self.log.read_text()[-2000:]}")

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
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def caught_up(now):
    return now["canCommit"] and now["lagTimeSeconds"] == 0
