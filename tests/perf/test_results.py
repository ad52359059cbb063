"""Result files: what is worked out from their rounds, what a comparison shows, and which files are refused."""
import contextlib
import copy
import io
import json
import pathlib
import tempfile
import unittest

import place  # noqa: F401
import measure
import results


def result_of(walls, name="copy", **options):
    """A result with a reference of one second in each round, and such wall times of sluice."""
    one = {"name": name, "about": "", "options": {"documents": 5} | options, "arms": ["ceiling", "sluice"], "rounds": [
        {"order": ["ceiling", "sluice"], "figures": {
            "ceiling": {"wall_seconds": 1.0},
            "sluice": {"wall_seconds": wall, "ratio_to_reference": wall, "peak_memory_bytes": 2**20}}}
        for wall in walls]}
    one["goals"] = results.goals(one, {"ratio_to_reference": 1.1}, {})
    return results.summarize(one)


def document_of(*found):
    return {"format": results.FORMAT, "machine": {"processor": "p", "cores": 2, "load": [0.1]}, "results": list(found)}


class Summary(unittest.TestCase):
    def test_ratios_are_of_the_measured_arm_to_every_other_one(self):
        one = result_of([1.2, 1.0, 1.4])
        self.assertAlmostEqual(one["ratios"]["ceiling"]["wall_seconds"]["median"], 1.2)
        self.assertEqual(one["medians"]["sluice"]["wall_seconds"]["median"], 1.2)
        self.assertNotIn("peak_memory_bytes", one["ratios"]["ceiling"])  # the reference has none

    def test_a_goal_is_reached_or_missed_by_the_median(self):
        self.assertFalse(result_of([1.2, 1.0, 1.4])["goals"][0]["reached"])
        self.assertTrue(result_of([1.1, 1.0, 1.4])["goals"][0]["reached"])
        self.assertTrue(results.goals(result_of([0.1 + 0.2]), {"wall_seconds": 0.3}, {})[0]["reached"])
        one = result_of([1.2])
        self.assertFalse(results.goals(one, {}, {"wall_seconds": 1.3})[0]["reached"])
        self.assertTrue(results.goals(one, {}, {"wall_seconds": 1.2})[0]["reached"])

    def test_a_figure_of_the_first_round_only_is_shown(self):
        one = result_of([1.0, 1.0])
        one["rounds"][0]["figures"]["sluice"]["system_calls_per_megabyte"] = 1.5
        text = results.text_of(results.summarize(one))
        self.assertRegex(text, r"system calls/MB +\| +– \| +1\.50 \| +– \|")

    def test_the_table_has_medians_ratios_intervals_and_goals(self):
        text = results.text_of(result_of([1.2, 1.0, 1.4]))
        self.assertRegex(text, r"copy, 3 rounds +\| ceiling \| sluice \| sluice / ceiling, 95 % \|")
        self.assertRegex(text, r"wall s +\| +1\.00 \| +1\.20 \| +1\.200 \(1\.000–1\.400\) \|")
        self.assertIn("at most 1.100: MISSED with 1.200", text)


    def test_many_arms_are_rows(self):
        others = [f"lanes={number}" for number in range(4)]
        one = result_of([1.2, 1.0])
        one["arms"] = ["ceiling", *others, "sluice"]
        for round_ in one["rounds"]:
            round_["figures"] |= {name: {"wall_seconds": 2.0} for name in others}
        text = results.text_of(results.summarize(one))
        self.assertRegex(text, r"copy, 2 rounds +\| wall s \|.*\| wall s, sluice / it, 95 % \|")
        self.assertRegex(text, r"lanes=3 +\| +2\.00 \|.*\| +0\.550 \(0\.500–0\.600\) \|")
        self.assertIn("reached with 1.100", text)


class Comparison(unittest.TestCase):
    def test_two_files_side_by_side(self):
        before, after = document_of(result_of([1.0, 1.0, 1.0])), document_of(result_of([2.0, 2.0, 2.0]))
        text = results.comparison(before, after, "ab")
        self.assertRegex(text, r"copy +\| +a \| +b \| +b / a, 95 % \|")
        self.assertRegex(text, r"sluice: wall s +\| +1\.00 \| +2\.00 \| +2\.000 \(2\.000–2\.000\) \|")
        self.assertNotIn("not the same", text)

    def test_what_makes_them_hard_to_compare_is_said(self):
        after = document_of(result_of([1.0], documents=6), result_of([1.0], "lag"))
        after["machine"] = {"processor": "q", "cores": 2, "load": [3.0]}
        text = results.comparison(document_of(result_of([1.0])), after, "ab")
        self.assertIn("not the same machine: processor is p and q", text)
        self.assertIn("copy: not the same documents: 5 and 6", text)
        self.assertIn("lag is in b only", text)
        self.assertNotIn("load", text)

    def test_nothing_in_common_is_refused(self):
        with self.assertRaisesRegex(measure.Failure, "one file has copy, the other lag"):
            results.comparison(document_of(result_of([1.0])), document_of(result_of([1.0], "lag")), "ab")


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "deep" / "result.json"
        self.file.parent.mkdir()

    def refused(self, words, text):
        self.file.write_text(text)
        with self.assertRaisesRegex(measure.Failure, f"result.json {words}"):
            results.read(self.file)

    def test_what_is_written_is_read(self):
        document = copy.deepcopy(document_of(result_of([1.0, 1.2])))
        with contextlib.redirect_stdout(io.StringIO()):
            results.write(self.file, {name: value for name, value in document.items() if name != "format"})
        self.assertEqual(results.read(self.file), document)

    def test_a_file_of_another_format_is_refused_by_name(self):
        self.refused("is of format 99, and this program reads format 1",
                     json.dumps(document_of() | {"format": results.FORMAT + 98}))

    def test_what_is_no_result_is_refused_by_name(self):
        self.refused("is not a result", "{")
        self.refused("is not a result", "[1, 2]")
        self.refused("is not a result", '{"results": []}')
        self.refused("is not a result", '{"format": 1}')
        self.file.unlink()
        with self.assertRaisesRegex(measure.Failure, "No such file"):
            results.read(self.file)


if __name__ == "__main__":
    unittest.main()
