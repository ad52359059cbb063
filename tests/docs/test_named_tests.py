"""Every test that a page names is there; and a page that named another one would be found out."""
import unittest

import named_tests

PAGES = sorted((named_tests.ROOT / "docs").glob("*.md")) + [named_tests.ROOT / "README.md",
                                                            named_tests.ROOT / "CONTRIBUTING.md"]
TESTS = {"spool_test.refuses_another_runs_segments", "spool_crash.at_each_byte", "copy.includes_and_excludes",
         "whole_times.come_once"}

PAGE = """
The rules of `spool_test.refuses_another_runs_segments`, of `copy.includes_and_others` and of `copy.cpp`.

    tools/test --filter `copy.not_a_name`

| trap | test |
| --- | --- |
| a name | `copy.includes_and_excludes`, `spool_crash.*`, `whole_times*`, [integration_copy] |
| a `shop.orders_2` elsewhere, a \\| in it | `copy.includes`, `gone_suite.says_so`, `gone*`, [integration_gone] |

| what | meaning |
| --- | --- |
| `copy.bytes` | `copy.gone_*`, `shop.orders_2`, `[]` |
"""


class Pages(unittest.TestCase):
    def test_every_named_test_is_there(self):
        folder = named_tests.ROOT / "tests"
        tests, programs = named_tests.tests_in(folder), named_tests.programs_in(folder)
        self.assertGreater(len(tests), 1000)
        for page in PAGES:
            for number, name in named_tests.stale_in(page.read_text(), tests, programs):
                with self.subTest(f"{page.relative_to(named_tests.ROOT)}:{number}"):
                    self.fail(f"{name} is no test of the sources")

    def test_pages_name_tests(self):
        for name in ("correctness.md", "compatibility.md"):
            page = (named_tests.ROOT / "docs" / name).read_text()
            self.assertGreater(sum(kind == "test" for _, _, kind in named_tests.named_in(page)), 100, name)


class Judge(unittest.TestCase):
    def test_what_is_not_there_is_found(self):
        stale = named_tests.stale_in(PAGE, TESTS, {"integration_copy"})
        self.assertEqual([name for _, name in stale], ["copy.includes_and_others", "copy.includes",
                                                       "gone_suite.says_so", "gone*", "integration_gone",
                                                       "copy.gone_*"])
        self.assertEqual(stale[0][0], 2)

    def test_a_test_that_goes_is_missed(self):
        page = "| trap | test |\n| --- | --- |\n| a name | `copy.includes_and_excludes` |\n"
        self.assertEqual(named_tests.stale_in(page, TESTS), [])
        self.assertEqual(named_tests.stale_in(page, TESTS - {"copy.includes_and_excludes"}),
                         [(3, "copy.includes_and_excludes")])


if __name__ == "__main__":
    unittest.main()
