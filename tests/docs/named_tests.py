"""Which tests the manual names, and which there are: what a page shows for a promise must be there to be run.

Reads text only, of pages and of sources: must never need a build. A name is `suite.test`, or `suite*` and the like with
asterisks, in backticks; a program is in brackets.
"""
import fnmatch
import pathlib
import re
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

MACRO = re.compile(r"^(?:TEST|TEST_F|TEST_P)\(\s*(\w+),\s*(\w+)", re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
PROGRAM = re.compile(r"\[((?:unit|integration|fault)_\w+)\]")
RULE = re.compile(r"[\s|:-]*-[\s|:-]*")
CELL_END = re.compile(r"(?<!\\)\|")
# In prose, where `shop.orders` is a collection and `copy.cpp` a file: a suite's name and a sentence.
SENTENCE = re.compile(r"([a-z]\w*)\.([a-z]\w*_\w+|\w*\*\w*)")


def tests_in(folder):
    """Every `suite.test` of the sources below `folder`."""
    return {f"{suite}.{test}" for source in sorted(folder.rglob("*_test.cpp"))
            for suite, test in MACRO.findall(source.read_text())}


def programs_in(folder):
    """The test programs by their sources, as the CMakeLists of each folder name them."""
    names = {"unit_" + each.name for each in (folder / "unit").iterdir() if each.is_dir()}
    names |= {"integration_" + each.name[:-len("_test.cpp")] for each in (folder / "integration").glob("*_test.cpp")}
    return names | {each.name[:-len("_test.cpp")] for each in (folder / "fault").glob("fault_*_test.cpp")}


def cells_of(line):
    return [cell.strip() for cell in CELL_END.split(line.strip())[1:-1]]


def named_in(page):
    """(line number, name, "test", "program" or "word") of every name in the text of a page; a word may be anything."""
    column = None  # of tests, in the table that is being read
    lines = page.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("|"):
            column = None
            for span in SPAN.findall("" if line.startswith("    ") else line):
                yield number, span, "word"
            continue
        cells = cells_of(line)
        if number < len(lines) and RULE.fullmatch(lines[number]):
            column = cells.index("test") if "test" in cells else None
            continue
        for place, cell in enumerate(cells):
            for span in SPAN.findall(cell):
                yield number, span, "test" if place == column else "word"
            if place == column:
                for program in PROGRAM.findall(cell):
                    yield number, program, "program"


def stale_in(page, tests, programs=frozenset()):
    """What a page names that is not there: (line number, name)."""
    suites = {test.partition(".")[0] for test in tests}
    stale = []
    for number, name, kind in named_in(page):
        if kind == "word":
            sentence = SENTENCE.fullmatch(name)
            if not sentence or sentence[1] not in suites:
                continue
        known = programs if kind == "program" else tests if "." in name else suites
        if not fnmatch.filter(known, name):
            stale.append((number, name))
    return stale
