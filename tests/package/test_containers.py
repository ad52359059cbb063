"""docs/deploy against the program that is built: the image's libraries, the flags and probes, and that no secret is in
an environment. Builds no image and asks no network: what a container would be started with is started here.
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import program
from test_completions import flags

DEPLOY = program.ROOT / "docs" / "deploy"
LAB = program.PROGRAM.parent / "sluice-lab"
SECONDS_MAX = 60
TOKEN = "a-token-of-some-length"


def instructions(dockerfile):
    """[(word, rest)], comments and line ends taken out."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.MULTILINE)
    return [tuple(line.split(maxsplit=1)) for line in re.sub(r"\\\n\s*", "", text).splitlines() if line]


def stages():
    """The instructions of each FROM, which comes first."""
    found = []
    for word, rest in instructions((DEPLOY / "Dockerfile").read_text()):
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


def kubernetes():
    """{kind: document}. Debian's own Python has the parser, whatever Python runs this."""
    script = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)"
    done = subprocess.run(["/usr/bin/python3", "-c", script], input=(DEPLOY / "kubernetes.yaml").read_text(),
                          capture_output=True, text=True, timeout=30, check=True)
    return {each["kind"]: each for each in json.loads(done.stdout)}


def os_version():
    return re.search(r'^VERSION_ID="?(\d+)', pathlib.Path("/etc/os-release").read_text(), re.MULTILINE).group(1)


def said_by(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def package_of(path):
    for each in (path, "/usr" + path):
        done = subprocess.run(["dpkg", "-S", each], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise AssertionError(f"no package has {path}")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Image(unittest.TestCase):
    def setUp(self):
        self.build, self.run_stage = stages()

    def only(self, word):
        (rest,) = (rest for found, rest in self.run_stage if found == word)
        return rest

    def test_is_built_by_what_the_build_knows(self):
        (bootstrap,) = (rest for word, rest in self.build if word == "RUN" and rest.startswith("tools/bootstrap"))
        done = subprocess.run([program.ROOT / bootstrap.split()[0], *bootstrap.split()[1:], "--check"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertIn("--build-only", bootstrap)  # no mongod, no browser
        presets = json.loads((program.ROOT / "CMakePresets.json").read_text())["buildPresets"]
        (compiling,) = (rest for word, rest in self.build if word == "RUN" and "cmake" in rest)
        for preset in re.findall(r"--preset (\S+)", compiling):
            self.assertIn(preset, [each["name"] for each in presets])
        copied = next(rest for word, rest in self.run_stage if word == "COPY").split()
        self.assertEqual(copied[1].removeprefix("/sluice/"), str(program.PROGRAM.relative_to(program.ROOT)))

    def test_has_the_libraries_that_the_program_wants_and_no_others(self):
        image = {re.match(r"debian:(\d+)", rest).group(1) for word, rest in self.build + self.run_stage
                 if word == "FROM"}
        self.assertEqual(len(image), 1)
        if {os_version()} != image or shutil.which("dpkg") is None:
            self.skipTest(f"this machine is no Debian {image.pop()}, whose packages the image has")
        headers = said_by("readelf", "-d", program.PROGRAM)
        wanted = re.findall(r"\(NEEDED\).*\[(.*)\]", headers)
        self.assertIn("libc.so.6", wanted)
        found = dict(re.findall(r"^\s*(\S+) => (\S+)", said_by("ldd", program.PROGRAM), re.MULTILINE))
        installed = re.search(r"--no-install-recommends (.*?)&&", self.only("RUN")).group(1).split()
        self.assertEqual({package_of(found[library]) for library in wanted} | {"ca-certificates"}, set(installed))

    def test_is_not_root_and_knows_its_port(self):
        self.assertRegex(self.only("USER"), r"^[1-9]\d*:[1-9]\d*$")
        self.assertIn(f"(default {self.only('EXPOSE')})", program.printed("--help"))
        words = [word for word, _ in self.run_stage]
        self.assertLess(words.index("COPY"), words.index("USER"))
        self.assertEqual(json.loads(self.only("ENTRYPOINT")), ["sluice"])
        environment = dict(rest.split("=") for word, rest in self.run_stage if word == "ENV")
        self.assertEqual(environment["MONGOC_DISABLE_SHM"], "1")
        home = environment["HOME"]
        self.assertEqual((self.only("VOLUME"), self.only("WORKDIR")), (home, home))
        uid, gid = self.only("USER").split(":")
        self.assertIn(f"install -d -m 700 -o {uid} -g {gid} {home}", self.only("RUN"))


class Manifest(unittest.TestCase):
    def setUp(self):
        self.documents = kubernetes()
        self.pod = self.documents["StatefulSet"]["spec"]["template"]["spec"]
        (self.container,) = self.pod["containers"]

    def test_runs_one_at_a_time_as_nobody(self):
        self.assertEqual(self.documents["StatefulSet"]["spec"]["replicas"], 1)
        pod, container = self.pod["securityContext"], self.container["securityContext"]
        user = next(rest for word, rest in stages()[1] if word == "USER")
        self.assertEqual(f"{pod['runAsUser']}:{pod['runAsGroup']}", user)
        self.assertTrue(pod["runAsNonRoot"])
        self.assertEqual(pod["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertEqual(container, {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                     "capabilities": {"drop": ["ALL"]}})

    def test_has_secrets_in_files_only(self):
        for key in ("env", "envFrom"):
            self.assertNotIn(key, self.container)
        self.assertNotIn("Secret", self.documents)  # a placeholder here would undo the real one
        self.assertNotRegex((DEPLOY / "kubernetes.yaml").read_text(), r"mongodb(\+srv)?://")
        (volume,) = (each["secret"] for each in self.pod["volumes"])
        self.assertIn(volume["defaultMode"], (0o400, 0o440))
        self.assertEqual(self.pod["securityContext"]["fsGroup"], self.pod["securityContext"]["runAsGroup"])

    def test_what_belongs_together_has_one_name(self):
        labels = self.documents["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
        service, policy = self.documents["Service"]["spec"], self.documents["NetworkPolicy"]["spec"]
        for selector in (self.documents["StatefulSet"]["spec"]["selector"]["matchLabels"], service["selector"],
                         policy["podSelector"]["matchLabels"]):
            self.assertEqual(selector, labels)
        self.assertEqual(self.documents["StatefulSet"]["spec"]["serviceName"],
                         self.documents["Service"]["metadata"]["name"])
        (port,) = self.container["ports"]
        self.assertEqual(str(port["containerPort"]), next(rest for word, rest in stages()[1] if word == "EXPOSE"))
        for named in (*(self.container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")),
                      service["ports"][0]["targetPort"], policy["ingress"][0]["ports"][0]["port"]):
            self.assertEqual(named, port["name"])
        self.assertTrue(service["publishNotReadyAddresses"])
        version = re.search(r"sluice (\S+)", program.printed("--version")).group(1)
        self.assertTrue(self.container["image"].endswith(":" + version))
        claimed = {each["metadata"]["name"] for each in self.documents["StatefulSet"]["spec"]["volumeClaimTemplates"]}
        volumes = claimed | {each["name"] for each in self.pod["volumes"]}
        self.assertEqual({each["name"] for each in self.container["volumeMounts"]}, volumes)

    def test_says_only_flags_that_there_are_and_has_room_for_them(self):
        given = dict(argument.removeprefix("--").partition("=")[::2] for argument in self.container["args"])
        self.assertLessEqual({"--" + flag for flag in given}, flags([]))
        (claim,) = self.documents["StatefulSet"]["spec"]["volumeClaimTemplates"]
        storage = claim["spec"]["resources"]["requests"]["storage"]
        self.assertGreater(int(storage.removesuffix("Gi")), int(given["spool-gb"]))
        memory = self.container["resources"]["limits"]["memory"]
        self.assertGreaterEqual(int(memory.removesuffix("Mi")), 1.5 * int(given["memory-mb"]))


class Started(unittest.TestCase):
    """What the container is started with, its mounted paths put below a folder, as the image's user where we may."""

    def setUp(self):
        pod = kubernetes()["StatefulSet"]["spec"]["template"]["spec"]
        (self.container,) = pod["containers"]
        user = next(rest for word, rest in stages()[1] if word == "USER")
        self.user, self.group = (int(each) for each in user.split(":"))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.port = free_port()
        self.program = self.folder / "sluice"
        shutil.copy(program.PROGRAM, self.program)
        self.mounted = {each["name"]: self.folder / each["mountPath"].strip("/").replace("/", "-")
                        for each in self.container["volumeMounts"]}
        (mode,) = (each["secret"]["defaultMode"] for each in pod["volumes"])
        self.secret_mode = mode

    def fill(self, uris):
        """As a kubelet does with fsGroup: secrets are root's and the group's, a volume the group's to write."""
        secrets, state = self.mounted["secrets"], self.mounted["state"]
        as_root = os.geteuid() == 0
        for folder in (secrets, state):
            folder.mkdir()
            if as_root:
                os.chown(folder, 0, self.group)
        state.chmod(0o2770)
        for name, text in (("cluster0", uris[0]), ("cluster1", uris[1]), ("token", TOKEN)):
            file = secrets / name
            file.write_text(text + "\n")
            file.chmod(self.secret_mode)
            if as_root:
                os.chown(file, 0, self.group)
        secrets.chmod(0o755)

    def start(self):
        arguments = self.container["args"]
        for mount in self.container["volumeMounts"]:
            arguments = [each.replace(mount["mountPath"], str(self.mounted[mount["name"]])) for each in arguments]
        who = {"user": self.user, "group": self.group, "extra_groups": []} if os.geteuid() == 0 else {}
        self.log = self.folder / "log"
        with open(self.log, "wb") as output:
            process = subprocess.Popen([self.program, *arguments, f"--port={self.port}"], stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=subprocess.STDOUT, cwd="/",
                                       env={"PATH": os.environ["PATH"]}, **who)

        def end():
            process.kill()
            process.wait()
        self.addCleanup(end)
        return process

    def probe(self, name):
        """The status that a kubelet sees, which asks by the pod's address; None while nothing listens there. (What is
        bound to localhost does not have 127.0.0.2.)"""
        path = self.container[name]["httpGet"]["path"]
        connection = http.client.HTTPConnection("127.0.0.2", self.port, timeout=self.container[name]["timeoutSeconds"])
        try:
            connection.request("GET", path, headers={"Host": f"10.1.2.3:{self.port}"})
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def eventually(self, name, status, process):
        deadline = time.monotonic() + SECONDS_MAX
        while (seen := self.probe(name)) != status and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(seen, status, self.log.read_text())

    def health(self):
        """What the image's HEALTHCHECK ends with."""
        command = re.search(r"CMD (.*)", next(rest for word, rest in stages()[1] if word == "HEALTHCHECK")).group(1)
        self.assertIn("sluice status", command)
        command = command.replace("sluice status", f"{self.program} status --port {self.port}")
        return subprocess.run(["sh", "-c", command], timeout=30, check=False).returncode

    def test_lives_and_is_not_ready_while_its_deployments_are_away(self):
        self.fill([f"mongodb://127.0.0.1:{free_port()}/?replicaSet=rs" for _ in range(2)])
        self.assertEqual(self.health(), 1)
        process = self.start()
        self.eventually("livenessProbe", 200, process)
        self.assertEqual(self.probe("readinessProbe"), 503)
        self.assertEqual(self.health(), 0)
        self.assertNotIn("can be read by others", self.log.read_text())
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=SECONDS_MAX)

    def test_is_ready_with_them(self):
        uri_files = []
        for name in ("a", "b"):
            uri_files.append(self.folder / f"{name}-uri")
            lab = subprocess.Popen([LAB, "run-set", "--dir", self.folder / name, "--name", name, "--wt-cache-gb",
                                    "0.25", "--uri-file", uri_files[-1]], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
            self.addCleanup(lab.wait)
            self.addCleanup(lab.terminate)
        deadline = time.monotonic() + SECONDS_MAX
        while not all(file.exists() for file in uri_files):
            self.assertLess(time.monotonic(), deadline, "the replica sets do not come up")
            time.sleep(0.05)
        self.fill([file.read_text().strip() for file in uri_files])
        process = self.start()
        self.eventually("readinessProbe", 200, process)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=SECONDS_MAX), 0)


if __name__ == "__main__":
    unittest.main()
