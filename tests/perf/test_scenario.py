"""Scenario files: what they may say, what later words override, and that every mistake is refused by its name."""
import pathlib
import re
import tempfile
import unittest

import place  # noqa: F401
import measure
import scenario
import stage
import works

GOOD = """
about = "something"
data = ["lim"]
measured = "copy"
reference = "ceiling"
rounds = 5
[options]
documents = 1000
[short]
documents = 10
rounds = 2
[at_most]
ratio_to_reference = 1.08
"""


class Reading(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "some.toml"

    def read(self, text, *settings, **how):
        self.file.write_text(text)
        return scenario.read(self.file, works, settings, **how)

    def refused(self, words, text, *settings):
        with self.assertRaises(measure.Failure) as caught:
            self.read(text, *settings)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_what_a_file_leaves_out_has_its_default(self):
        one, = self.read(GOOD)
        self.assertEqual((one.name, one.measured, one.reference, one.rounds), ("some", "copy", "ceiling", 5))
        self.assertEqual([one.options[name] for name in ("documents", "ceiling_connections", "lanes")], [1000, 2, 0])
        self.assertEqual(one.at_most, {"ratio_to_reference": 1.08})

    def test_the_short_form_and_the_command_line_override_it(self):
        self.assertEqual(self.read(GOOD, short=True)[0].options["documents"], 10)
        self.assertEqual(self.read(GOOD, short=True)[0].rounds, 2)
        self.assertEqual(self.read(GOOD, ("documents", 7), short=True, rounds=9)[0].options["documents"], 7)
        self.assertEqual(self.read(GOOD, short=True, rounds=9)[0].rounds, 9)

    def test_other_settings_of_the_work_stand_beside_it(self):
        text = 'beside = [{lanes = 2}, {lanes = 4, connections = 4}]\n' + GOOD
        self.assertEqual(self.read(GOOD)[0].beside, [])
        self.assertEqual(self.read(text)[0].beside, [{"lanes": 2}, {"lanes": 4, "connections": 4}])
        self.assertEqual(self.read(text, beside=[scenario.parse_settings("lanes=8,connections=1")])[0].beside,
                         [{"lanes": 8, "connections": 1}])
        for settings, words in (({"lnes": 1}, "did you mean lanes?"), ({"documents": 1}, "no option of the work 'documents'"),
                                ({"lanes": "many"}, "should be of type int"), ({"lanes": 0}, "is what is measured anyway"),
                                ({}, "is what is measured anyway")):
            with self.assertRaisesRegex(measure.Failure, re.escape(words)):
                self.read(GOOD, beside=[settings])
        self.refused(["beside is 3"], "beside = [3]\n" + GOOD)

    def test_each_value_is_a_scenario_unless_one_is_chosen(self):
        text = GOOD + "[each]\nlanes = [1, 2]\n"
        self.assertEqual([(one.name, one.options["lanes"]) for one in self.read(text)],
                         [("some lanes=1", 1), ("some lanes=2", 2)])
        self.assertEqual([(one.name, one.options["lanes"]) for one in self.read(text, ("lanes", 4))], [("some", 4)])

    def test_scenarios_of_one_file_do_not_share_their_options(self):
        first, second = self.read(GOOD + "[each]\nlanes = [1, 2]\n")
        first.options["mongod_arguments"].append("--quiet")
        self.assertEqual(second.options["mongod_arguments"], [])

    def test_a_wrong_key_is_named_with_the_nearest_right_one(self):
        self.refused(["some.toml", "'mesured'", "did you mean measured?"], GOOD.replace("measured", "mesured"))
        self.refused(["some.toml", "option 'docments'", "did you mean documents?"],
                     GOOD.replace("documents = 1000", "docments = 1000"))
        self.refused(["option 'docments'", "did you mean documents?"],
                     GOOD.replace("documents = 10\n", "docments = 10\n"))
        self.refused(["figure 'ratio_to_refrence'", "ratio_to_reference"],
                     GOOD.replace("ratio_to_reference", "ratio_to_refrence"))
        self.refused(["--set", "'lnes'", "did you mean lanes?"], GOOD, ("lnes", 1))

    def test_a_wrong_name_is_named_with_the_nearest_right_one(self):
        self.refused(["work 'cpy'", "did you mean copy?"], GOOD.replace('"copy"', '"cpy"'))
        self.refused(["data 'limm'", "did you mean lim?"], GOOD.replace('"lim"', '"limm"'))
        with self.assertRaisesRegex(measure.Failure, "'cpoy'; did you mean copy"):
            scenario.find("cpoy")
        with self.assertRaisesRegex(measure.Failure, "known: .*copy.*steady_lag"):
            scenario.find("qqqqqqqq")

    def test_a_work_without_its_data_is_refused(self):
        self.refused(["some.toml", "the work 'copy' wants data = ['lim']"], GOOD.replace('data = ["lim"]', ""))
        self.refused(["the work 'creates' wants data = ['many']"], GOOD.replace('"ceiling"', '"creates"'))

    def test_a_wrong_type_is_named(self):
        self.refused(["rounds", "'five'", "int"], GOOD.replace("rounds = 5", 'rounds = "five"'))
        self.refused(["documents", "'many'", "int"], GOOD, ("documents", "many"))
        self.refused(["documents", "True", "int"], GOOD, ("documents", True))
        self.assertEqual(self.read(GOOD, ("cache_gb", 1))[0].options["cache_gb"], 1)  # a whole number is a number

    def test_a_key_that_must_be_there_is_named(self):
        self.refused(["about is missing"], GOOD.replace('about = "something"', ""))

    def test_what_is_no_toml_is_refused_with_its_line(self):
        self.refused(["some.toml", "line 2"], "about = 'x'\nrounds = = 3\n")
        with self.assertRaisesRegex(measure.Failure, "gone.toml: No such file"):
            scenario.read(pathlib.Path("gone.toml"), works)

    def test_settings_of_the_command_line_are_toml_or_words(self):
        self.assertEqual(scenario.parse_setting("lanes=2"), ("lanes", 2))
        self.assertEqual(scenario.parse_setting("same_ids=true"), ("same_ids", True))
        self.assertEqual(scenario.parse_setting("source_version=4.4.2"), ("source_version", "4.4.2"))
        self.assertEqual(scenario.parse_setting('mongod_arguments=["--a=b"]'), ("mongod_arguments", ["--a=b"]))
        with self.assertRaises(measure.Failure):
            scenario.parse_setting("lanes")


class Files(unittest.TestCase):
    def test_every_file_of_perf_scenarios_is_right_in_both_forms(self):
        self.assertGreater(len(scenario.names()), 5)
        for name in scenario.names():
            for short in (False, True):
                for one in scenario.read(scenario.find(name), works, short=short):
                    self.assertGreater(stage.disk_bytes(one, 2), -1)
                    self.assertTrue(one.at_most or one.at_least or one.beside, f"{name} has no goal and compares nothing")

    def test_a_bigger_scenario_needs_more_disk(self):
        small, = scenario.read(scenario.find("copy"), works, [("documents", 1000)])
        large, = scenario.read(scenario.find("copy"), works, [("documents", 10_000_000)])
        self.assertGreater(stage.disk_bytes(large, 2), stage.disk_bytes(small, 2) + 8_610_000_000)
        self.assertGreater(stage.disk_bytes(large, 3), stage.disk_bytes(large, 2))


if __name__ == "__main__":
    unittest.main()
