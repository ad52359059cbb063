"""Rounds, the folder they play in, and the disk they need."""
import contextlib
import io
import os
import pathlib
import subprocess
import tempfile
import unittest

import place  # noqa: F401
import measure
import rounds


class Stage:
    def __init__(self):
        self.first, self.seen = True, []

    def reset(self):
        self.seen.append("reset")


class Rounds(unittest.TestCase):
    def test_every_run_begins_at_the_same_point_and_only_the_first_round_is_first(self):
        stage, firsts = Stage(), []

        def arm(name):
            def work():
                stage.seen.append(name)
                firsts.append(stage.first)
                return {"wall_seconds": 1.0}
            return work

        with contextlib.redirect_stdout(io.StringIO()):
            found = rounds.run({"ceiling": arm("ceiling"), "sluice": arm("sluice")}, 3, stage)
        self.assertEqual(stage.seen, ["reset", "ceiling", "reset", "sluice", "reset", "sluice", "reset", "ceiling",
                                      "reset", "ceiling", "reset", "sluice"])
        self.assertEqual(firsts, [True, True, False, False, False, False])
        self.assertEqual([one["order"] for one in found],
                         [["ceiling", "sluice"], ["sluice", "ceiling"], ["ceiling", "sluice"]])


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = pathlib.Path(folder.name)

    def test_it_goes_whatever_ends_the_block(self):
        for end in (measure.Failure, KeyboardInterrupt):
            with self.assertRaises(end), rounds.folder(self.place) as folder:
                (folder / "data").write_text("x")
                raise end("over")
            self.assertEqual(list(self.place.iterdir()), [])

    def test_what_a_killed_one_left_is_removed_and_a_running_one_is_not(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        (self.place / f"sluice-perf-{gone.pid}").mkdir()
        (self.place / f"sluice-perf-{os.getppid()}").mkdir()
        with rounds.folder(self.place) as folder:
            self.assertEqual({one.name for one in self.place.iterdir()}, {f"sluice-perf-{os.getppid()}", folder.name})

    def test_too_little_disk_is_named_before_anything_starts(self):
        rounds.check_disk(self.place, {"copy": 1})
        with self.assertRaisesRegex(measure.Failure, r"copy may take 1000000000\.0 GB in .*are free"):
            rounds.check_disk(self.place, {"copy": 10**18})
        with self.assertRaisesRegex(measure.Failure, "--place /proc/nowhere"):
            rounds.check_disk(pathlib.Path("/proc/nowhere"), {})


if __name__ == "__main__":
    unittest.main()
