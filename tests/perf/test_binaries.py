"""Baselines: built from another commit in a worktree of their own, with nothing left behind but the program."""
import contextlib
import io
import pathlib
import subprocess
import tempfile
import unittest
import unittest.mock

import place  # noqa: F401
import binaries
import measure

PRESETS = """{"version": 6, "configurePresets": [{"name": "release", "generator": "Ninja",
  "binaryDir": "${sourceDir}/build/release"}]}"""
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(some NONE)
add_custom_target(sluice COMMAND cmake -E copy ${CMAKE_SOURCE_DIR}/program ${CMAKE_BINARY_DIR}/sluice)
"""


class Baseline(unittest.TestCase):
    """On a repository of a few lines in the place of this one."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.place = self.root / "build" / "perf"
        for name, value in (("ROOT", self.root), ("PLACE", self.place)):
            patch = unittest.mock.patch.object(measure, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.git("init", "-q")
        (self.root / "CMakePresets.json").write_text(PRESETS)
        (self.root / "program").write_text("#!/bin/sh\necho old\n")
        (self.root / "program").chmod(0o755)
        self.good = self.commit(PROJECT)
        self.bad = self.commit(PROJECT + 'message(FATAL_ERROR "broken on purpose")\n')

    def git(self, *arguments):
        return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=self.root,
                              check=True, text=True, stdout=subprocess.PIPE).stdout.strip()

    def commit(self, project):
        (self.root / "CMakeLists.txt").write_text(project)
        self.git("add", "CMakeLists.txt", "CMakePresets.json", "program")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def build(self, commit):
        with contextlib.redirect_stdout(io.StringIO()):
            return binaries.build_baseline("some-ref", commit)

    def assert_no_worktree(self):
        self.assertEqual(len(self.git("worktree", "list").splitlines()), 1)
        self.assertEqual(self.git("status", "--porcelain", "--", ":!build"), "")

    def test_the_program_of_another_commit_is_built_and_kept(self):
        (self.root / "program").write_text("#!/bin/sh\necho new\n")
        self.commit(PROJECT)
        program = self.build(self.good)
        self.assertEqual(binaries.described(program)["version"], "old")
        self.assertEqual([one.name for one in program.parent.iterdir()], ["sluice"])
        self.assert_no_worktree()
        built_at = program.stat().st_mtime_ns
        self.assertEqual(self.build(self.good).stat().st_mtime_ns, built_at)  # the second time it is there

    def test_one_that_does_not_build_is_named_and_leaves_nothing(self):
        with self.assertRaises(measure.Failure) as caught:
            self.build(self.bad)
        for word in ("some-ref", self.bad[:12], "does not build", "broken on purpose"):
            self.assertIn(word, str(caught.exception))
        self.assertEqual(list(self.place.iterdir()), [])
        self.assert_no_worktree()

    def test_an_interrupted_build_leaves_nothing(self):
        with unittest.mock.patch.object(binaries, "run_to_log", side_effect=KeyboardInterrupt("SIGINT")):
            with self.assertRaises(KeyboardInterrupt):
                self.build(self.good)
        self.assertEqual(list(self.place.iterdir()), [])
        self.assert_no_worktree()

    def test_a_commit_or_program_that_is_not_there_is_named(self):
        self.assertEqual(binaries.commit_of("HEAD~1"), self.good)
        for wrong in ("no-such-branch", "HEAD:program", "--all"):
            with self.assertRaisesRegex(measure.Failure, f"--baseline {wrong}: there is no such commit"):
                binaries.commit_of(wrong)
        with self.assertRaisesRegex(measure.Failure, "--sluice .*CMakeLists.txt is not a program"):
            binaries.executable("--sluice", self.root / "CMakeLists.txt")
        with self.assertRaisesRegex(measure.Failure, "is not a program"):
            binaries.executable("--sluice", self.root)


if __name__ == "__main__":
    unittest.main()
