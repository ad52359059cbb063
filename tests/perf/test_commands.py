"""The commands from outside: what they refuse, in which words, with which exit code. Nothing is built or measured."""
import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import subprocess
import tempfile
import types
import unittest

import place
import measure


def call(name, *arguments):
    done = subprocess.run([place.PERF / name, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def peers():
    loader = importlib.machinery.SourceFileLoader("peers", str(place.PERF / "peers"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("peers", loader))
    loader.exec_module(module)
    return module


class Run(unittest.TestCase):
    def test_every_scenario_is_listed(self):
        code, text = call("run", "--list")
        self.assertEqual(code, 0)
        for name in ("apply_backlog", "copy", "copy_while_writing", "many_collections", "resume", "steady_lag"):
            self.assertIn(f"{name} ", text)

    def test_mistakes_are_named_before_anything_is_built(self):
        for arguments, words in (
                (["cpoy"], "perf/run: perf/scenarios: there is no scenario 'cpoy'; did you mean copy?"),
                (["copy", "--set", "lnes=1"], "did you mean lanes?"),
                (["copy", "--set", "documents=10000000000000"], "GB are free"),
                (["copy", "--baseline", "no-such-commit"], "--baseline no-such-commit: there is no such commit"),
                (["copy", "--baseline-binary", "/nowhere"], "--baseline-binary /nowhere is not a program"),
                (["copy", "--sluice", "/nowhere"], "--sluice /nowhere is not a program")):
            code, text = call("run", *arguments)
            self.assertEqual(code, 1, text)
            self.assertIn(words, text)
            self.assertNotIn("building", text)
        self.assertEqual(call("run", "copy", "--rounds", "0")[0], 2)


class Peers(unittest.TestCase):
    def test_without_any_peer_each_is_named_and_the_exit_code_says_so(self):
        code, text = call("peers", "--mongodump", "/nowhere")
        self.assertEqual(code, 3)
        for words in ("left out: --mongodump /nowhere is not a program", "left out: --mongorestore is not given",
                      "left out: --clustersync is not given", "there is no peer"):
            self.assertIn(words, text)

    def test_half_a_pair_is_no_peer(self):
        self.assertEqual(call("peers", "--mongodump", "/bin/true")[0], 3)

    def test_a_pipeline_is_one_peer_whose_processes_are_added(self):
        with tempfile.TemporaryDirectory() as folder:
            stage = types.SimpleNamespace(folder=pathlib.Path(folder), options={"documents": 1_000_000})
            figures = peers().pipeline([["echo", "bytes"], ["sh", "-c", f"cat > {folder}/out"]], stage)
            self.assertEqual(pathlib.Path(folder, "out").read_text(), "bytes\n")
            self.assertGreater(figures["wall_seconds"], 0)
            self.assertGreater(figures["peak_memory_bytes"], 1_000_000)
            self.assertIn("engine_cpu_seconds_per_gb", figures)
            with self.assertRaisesRegex(measure.Failure, "sh -c .*exit 3.* ended with 3:\nsorry"):
                peers().pipeline([["true"], ["sh", "-c", "echo sorry; exit 3"]], stage)

    def test_a_peer_without_its_partner_is_left_out_and_the_others_are_measured(self):
        options = types.SimpleNamespace(mongodump=pathlib.Path("/bin/true"), mongorestore=None,
                                        clustersync=pathlib.Path("/bin/true"))
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertEqual(list(peers().given_peers(options, None)), ["clustersync"])
        self.assertEqual(said.getvalue(), "-- left out: --mongorestore is not given\n")


class Compare(unittest.TestCase):
    def test_a_file_of_another_format_is_refused_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "old.json")
            file.write_text('{"format": 0, "results": []}')
            code, text = call("compare", file, file)
            self.assertEqual(code, 1)
            self.assertRegex(text, "perf/compare: .*old.json is of format 0")


if __name__ == "__main__":
    unittest.main()
