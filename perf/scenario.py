"""Scenarios: what is measured, as TOML files in perf/scenarios say it. Reads them, refuses what it does not know.

A mistyped name must never be silently ignored: a measurement of something else looks just as convincing.
"""
import copy
import dataclasses
import difflib
import pathlib
import tomllib

import measure

FOLDER = pathlib.Path(__file__).resolve().parent / "scenarios"
KEYS = {"about": str, "data": list, "measured": str, "reference": str, "rounds": int, "options": dict, "short": dict,
        "each": dict, "beside": list, "at_most": dict, "at_least": dict}
NEEDED = ("about", "measured", "rounds")


@dataclasses.dataclass
class Scenario:
    name: str
    about: str       # one sentence for the reader of the table
    data: list       # what lies in the source: names of works.DATA; without any there are no servers
    measured: str    # what is timed: a name of works.WORKS
    reference: str   # what is timed beside it in each round, if anything
    rounds: int
    options: dict    # of the servers, the data and the works; complete, with the defaults of those left out
    at_most: dict    # goals: figure of the measured work -> bound
    at_least: dict
    beside: list = dataclasses.field(default_factory=list)  # arms: the work with other settings, {option: value}


def nearest(name, known):
    """The words of a refusal: what it might have meant, or else everything that is known."""
    close = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"


def check_known(where, kind, names, known):
    for name in names:
        if name not in known:
            raise measure.Failure(f"{where}: there is no {kind} {name!r}; {nearest(name, known)}")


def check_type(where, name, value, wanted):
    fits = isinstance(value, (int, float)) if wanted is float else type(value) is wanted
    if not fits or isinstance(value, bool) is not (wanted is bool):
        raise measure.Failure(f"{where}: {name} is {value!r}, and should be of type {wanted.__name__}")


def names():
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def find(name):
    check_known("perf/scenarios", "scenario", [name], names())
    return FOLDER / f"{name}.toml"


def parse_setting(text):
    """NAME=VALUE of the command line, the value as TOML writes it; a bare word is a string."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise measure.Failure(f"--set {text}: wants NAME=VALUE")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value


def parse_settings(text):
    """NAME=VALUE,NAME=VALUE of the command line."""
    return dict(parse_setting(one) for one in text.split(","))


def setting_text(settings):
    return ", ".join(f"{name}={value}" for name, value in settings.items())


def check_beside(where, beside, of_work, options):
    """Other settings may be the work's own only: the data and the servers are the same for every arm of a round."""
    for settings in beside:
        check_type(where, "beside", settings, dict)
        check_known(where, "option of the work", settings, of_work)
        for name, value in settings.items():
            check_type(where, name, value, type(options[name]))
        if not settings or all(options[name] == value for name, value in settings.items()):
            raise measure.Failure(f"{where}: beside {setting_text(settings) or 'nothing'} is what is measured anyway")


def read(file, vocabulary, settings=(), short=False, rounds=None, beside=()):
    """The scenarios of a file: one, or one for each value of its `each`.

    Later words win: defaults, [options], [short] if asked for, then `settings` of the command line; `beside` of the
    command line stands instead of the file's.
    """
    try:
        given = tomllib.loads(file.read_text())
    except OSError as error:
        raise measure.Failure(f"{file}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise measure.Failure(f"{file}: {error}") from error
    check_known(file, "key", given, KEYS)
    for name, value in given.items():
        check_type(file, name, value, KEYS[name])
    for name in NEEDED:
        if name not in given:
            raise measure.Failure(f"{file}: {name} is missing")
    data, measured, reference = given.get("data", []), given["measured"], given.get("reference")
    works = [measured] + ([reference] if reference else [])
    check_known(file, "data", data, vocabulary.data)
    check_known(file, "work", works, vocabulary.works)
    for work in works:
        if missing := [name for name in vocabulary.works[work].data if name not in data]:
            raise measure.Failure(f"{file}: the work {work!r} wants data = [{', '.join(map(repr, missing))}]")
    known = vocabulary.options(data, works)
    short_options = {name: value for name, value in given.get("short", {}).items() if name != "rounds"}
    each = given.get("each", {})
    if len(each) > 1:
        raise measure.Failure(f"{file}: each may name one option, not {', '.join(each)}")
    check_known(file, "option", [*given.get("options", {}), *short_options, *each], known)
    check_known("--set", "option of this scenario", dict(settings), known)
    figures = [*given.get("at_most", {}), *given.get("at_least", {})]
    check_known(file, "figure", figures, vocabulary.figures)
    options = known | given.get("options", {}) | (short_options if short else {}) | dict(settings)
    short_rounds = given.get("short", {}).get("rounds") if short else None
    rounds = rounds or short_rounds or given["rounds"]

    def one(name, more):
        chosen = copy.deepcopy(options) | more
        for key, value in chosen.items():
            check_type(file, key, value, type(known[key]))
        others = list(beside) or given.get("beside", [])
        check_beside("--beside" if beside else file, others, vocabulary.works[measured].options, chosen)
        return Scenario(name, given["about"], data, measured, reference, rounds, chosen, given.get("at_most", {}),
                        given.get("at_least", {}), others)

    for key, values in each.items():
        if key not in dict(settings):
            check_type(file, key, values, list)
            return [one(f"{file.stem} {key}={value}", {key: value}) for value in values]
    return [one(file.stem, {})]
