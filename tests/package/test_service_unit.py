"""The unit that install-service prints says what it must, starts the program, and satisfies systemd."""
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import program

START_SECONDS_MAX = 30


def parsed(unit):
    """{section: {key: [value, …]}}; keys of a unit may come more than once."""
    sections, current = {}, None
    for line in unit.splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), {})
        elif line:
            key, _, value = line.partition("=")
            current.setdefault(key, []).append(value)
    return sections


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def health(port):
    """The status code, or None while nothing listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


class Unit(unittest.TestCase):
    def test_says_what_it_must(self):
        sections = parsed(program.printed("install-service"))
        service = sections["Service"]
        for key, value in (("Restart", "on-failure"), ("RestartSec", "5"), ("LimitNOFILE", "65536"),
                           ("Environment", "MONGOC_DISABLE_SHM=1"),
                           ("DynamicUser", "yes"), ("StateDirectory", "sluice"), ("ProtectSystem", "strict"),
                           ("ProtectHome", "yes"), ("PrivateTmp", "yes"), ("NoNewPrivileges", "yes"),
                           ("MemoryDenyWriteExecute", "yes"), ("CapabilityBoundingSet", ""),
                           ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX")):
            self.assertEqual(service.get(key), [value], key)
        self.assertEqual(service["LoadCredential"], ["cluster0:/etc/sluice/cluster0", "cluster1:/etc/sluice/cluster1"])
        self.assertEqual(service["ExecStart"], ["/usr/bin/sluice --cluster0-file %d/cluster0 --cluster1-file "
                                                "%d/cluster1 --spool-dir %S/sluice/spool --exit-on-error"])
        calls = service["SystemCallFilter"][0].split()
        self.assertLessEqual({"@system-service", "@io-event", "io_uring_setup", "io_uring_enter",
                              "io_uring_register"}, set(calls))
        self.assertEqual(sections["Install"]["WantedBy"], ["multi-user.target"])

    def test_takes_another_name_program_and_configuration(self):
        service = parsed(program.printed("install-service", "--name", "shop-2", "--program", "/opt/sluice", "--config",
                                         "/etc/shop.yaml"))["Service"]
        self.assertEqual(service["StateDirectory"], ["shop-2"])
        self.assertEqual(service["LoadCredential"], ["config:/etc/shop.yaml"])
        self.assertEqual(service["ExecStart"],
                         ["/opt/sluice --config %d/config --spool-dir %S/shop-2/spool --exit-on-error"])

    def test_refuses_what_a_unit_could_not_hold(self):
        for flag, value in (("--name", "a/b"), ("--name", ""), ("--name", "../x"), ("--program", "sluice"),
                            ("--program", "/opt/a b"), ("--config", "/etc/%d"), ("--config", "/a\nUser=root")):
            with self.subTest(f"{flag} {value!r}"):
                done = program.run("install-service", flag, value)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(flag, done.stderr)

    def start(self, port, unit, folder):
        """Runs what ExecStart says until it is healthy, then ends it."""
        command = parsed(unit)["Service"]["ExecStart"][0].replace("%d", f"{folder}/credentials")
        command = command.replace("%S", f"{folder}/state").split() + ["--port", str(port)]
        log = folder / "log"
        with open(log, "wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + START_SECONDS_MAX
            while (status := health(port)) is None and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertEqual(status, 200, log.read_text())
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=START_SECONDS_MAX)
        finally:
            process.kill()
            process.wait()

    def test_starts_as_written(self):
        port, closed0, closed1 = free_ports(3)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "credentials").mkdir()
            (folder / "state" / "sluice").mkdir(parents=True)
            uris = [f"mongodb://127.0.0.1:{closed}/?replicaSet=rs" for closed in (closed0, closed1)]
            for number, uri in enumerate(uris):
                (folder / "credentials" / f"cluster{number}").write_text(uri + "\n")
            (folder / "credentials" / "config").write_text(f"cluster0: {uris[0]}\ncluster1: {uris[1]}\n")
            for more in ([], ["--config", "/etc/sluice/sluice.yaml"]):
                with self.subTest(more):
                    self.start(port, program.printed("install-service", "--program", str(program.PROGRAM), *more), folder)

    def test_satisfies_systemd(self):
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            self.skipTest("there is no systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder) / "sluice.service"
            unit.write_text(program.printed("install-service", "--program", str(program.PROGRAM)))
            done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60,
                                  check=False)
            complaints = [line for line in done.stderr.splitlines() if "sluice.service" in line]
            self.assertEqual((done.returncode, complaints), (0, []), done.stderr)


if __name__ == "__main__":
    unittest.main()
