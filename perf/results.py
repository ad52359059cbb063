"""Result files and tables: what perf/run and perf/peers write, what perf/compare reads.

A file keeps every round; medians and intervals are worked out from them. FORMAT goes up whenever an older reader would
misread a file, and a file of another format is refused.
"""
import datetime
import json
import math
import shlex
import statistics
import sys

import measure
import pairs

FORMAT = 1
# Figure: title, what one unit of it is divided by, decimals. What is not here has no meaning in a table or a goal.
FIGURES = {
    "wall_seconds": ("wall s", 1, 2),
    "ratio_to_reference": ("wall, ratio to the reference", 1, 3),
    "resumed_seconds": ("until it goes on, s", 1, 2),
    "documents_again": ("documents copied again", 1, 0),
    "recorded_documents_again": ("of them in the checkpoint before", 1, 0),
    "catch_up_seconds": ("then until caught up, s", 1, 2),
    "commit_seconds": ("commit s", 1, 2),
    "milliseconds_per_collection": ("ms per collection", 1, 2),
    "changes_per_second": ("changes/s", 1, 0),
    "p50_ms": ("lag p50 ms", 1, 2),
    "p90_ms": ("lag p90 ms", 1, 2),
    "p99_ms": ("lag p99 ms", 1, 2),
    "max_ms": ("lag max ms", 1, 2),
    "gigabytes_per_second": ("GB/s", 1, 2),
    "gigabytes_per_cpu_second": ("GB per CPU s", 1, 2),
    "system_calls_per_megabyte": ("system calls/MB", 1, 2),
    "engine_user_seconds": ("engine user s", 1, 2),
    "engine_system_seconds": ("engine system s", 1, 2),
    "engine_cpu_seconds_per_gb": ("engine CPU s/GB", 1, 3),
    "engine_user_seconds_per_gb": ("engine user s/GB", 1, 3),
    "client_cpu_seconds_per_gb": ("client CPU s/GB", 1, 3),
    "engine_cpu_seconds_per_100k": ("engine CPU s per 100,000", 1, 3),
    "peak_memory_bytes": ("engine peak MiB", 2**20, 0),
    "source_cpu_seconds": ("source CPU s", 1, 2),
    "destination_cpu_seconds": ("destination CPU s", 1, 2),
    "destination_memory_bytes": ("destination's peak MiB", 2**20, 0),
    "open_files": ("open files of a server, most", 1, 0),
}


def begin(program, place, programs):
    """A result file before its results: when, where and of what; `programs` by the names of their arms."""
    return {"taken_at": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "command": shlex.join([program, *sys.argv[1:]]), "machine": measure.machine(), "commit": measure.commit(),
            "place": place, "programs": programs, "results": []}


def values(result, arm, figure):
    """Of the rounds that measured it (some figures are taken in the first round only)."""
    return [one["figures"][arm][figure] for one in result["rounds"] if figure in one["figures"][arm]]


def paired(result, above, below, figure):
    both = [(one["figures"][above].get(figure), one["figures"][below].get(figure)) for one in result["rounds"]]
    both = [(over, under) for over, under in both if over is not None and under is not None]
    return pairs.paired_ratio([over for over, _ in both], [under for _, under in both])


def figures_of(result, arms):
    """In the order of FIGURES."""
    return [figure for figure in FIGURES if any(values(result, arm, figure) for arm in arms)]


def goals(result, at_most, at_least):
    """Each goal with what was measured for it; the measured arm is the last one."""
    found = []
    for bounds, better in ((at_most, min), (at_least, max)):
        for figure, bound in bounds.items():
            measured = values(result, result["arms"][-1], figure)
            if measured:
                middle = statistics.median(measured)
                # What is computed from ticks of a hundredth may miss a bound by a rounding of the last bit.
                reached = better(middle, bound) == middle or math.isclose(middle, bound)
                found.append({"figure": figure, "at_most" if better is min else "at_least": bound, "measured": middle,
                              "reached": reached})
    return found


def summarize(result):
    """Adds to a result what its rounds come to: medians of each arm, ratios of the measured arm to every other one."""
    arms = result["arms"]
    figures = figures_of(result, arms)
    result["medians"] = {arm: {figure: pairs.of_one(values(result, arm, figure)) for figure in figures
                               if values(result, arm, figure)} for arm in arms}
    result["ratios"] = {arm: {figure: ratio for figure in figures
                              if (ratio := paired(result, arms[-1], arm, figure))} for arm in arms[:-1]}
    return result


def write(file, document):
    """To `file`, or else under its time in build/perf/results."""
    file = file or measure.PLACE / "results" / f"{document['taken_at'].replace(':', '')}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"format": FORMAT} | document, indent=2, default=str) + "\n")
    measure.say(f"wrote {file}")


def read(file):
    try:
        document = json.loads(file.read_text())
    except OSError as error:
        raise measure.Failure(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise measure.Failure(f"{file} is not a result of perf/run: {error}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found is None or "results" not in document:
        raise measure.Failure(f"{file} is not a result of perf/run: it has no format number or no results")
    if found != FORMAT:
        raise measure.Failure(f"{file} is of format {found}, and this program reads format {FORMAT}; measure again, or "
                              "compare with the commit that wrote it")
    return document


def heading(document):
    """Of a measurement: everything that a figure is worth nothing without."""
    machine = document["machine"]
    governor = f", governor {machine['governor']}" if machine["governor"] else ""
    load = " ".join(str(one) for one in machine["load"])
    programs = [f"{name}: {what['version']} ({what['path']})" for name, what in document["programs"].items()]
    return "\n".join([
        document["command"],
        f"{document['taken_at']}, commit {document['commit']}",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB, "
        f"kernel {machine['kernel']}{governor}; load before: {load}; data in {document['place']}", *programs])


def table(titles, rows):
    """Markdown, so that what is printed can go into docs as it is; readable by itself too."""
    texts = [titles, *rows]
    widths = [max(3, *(len(row[i]) for row in texts)) for i in range(len(titles))]
    lines = ["| " + " | ".join([row[0].ljust(widths[0])] + [text.rjust(width) for text, width in
                                                          zip(row[1:], widths[1:])]) + " |" for row in texts]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def number(figure, value):
    _, unit, decimals = FIGURES[figure]
    return f"{value / unit:,.{decimals}f}"


def ratio_text(ratio):
    if ratio is None:
        return "–"
    if ratio["low"] is None:
        return f"{ratio['median']:.3f}"
    return f"{ratio['median']:.3f} ({ratio['low']:.3f}–{ratio['high']:.3f})"


ARMS_ACROSS_MAX = 4  # what a terminal is wide enough for


def by_arm(result, title):
    """A row for each arm, a column for each figure, and the ratio of the wall times to the measured arm."""
    arms = result["arms"]
    figures = figures_of(result, arms)
    rows = []
    for arm in reversed(arms):
        medians = result["medians"][arm]
        row = [number(figure, medians[figure]["median"]) if figure in medians else "–" for figure in figures]
        rows.append([arm, *row, ratio_text(result["ratios"].get(arm, {}).get("wall_seconds")) if arm != arms[-1] else ""])
    return table([title, *(FIGURES[figure][0] for figure in figures), f"wall s, {arms[-1]} / it, 95 %"], rows)


def text_of(result):
    """One result: a row for each figure, a column for each arm, and the ratio to the arm beside the measured one; with
    many arms the other way round."""
    arms = result["arms"]
    count = len(result["rounds"])
    title = f"{result['name']}, {count} round{'s' if count > 1 else ''}"
    titles = [title, *arms]
    titles += [f"{arms[-1]} / {arm}, 95 %" for arm in arms[:-1]]
    rows = []
    for figure in figures_of(result, arms):
        row = [FIGURES[figure][0]]
        for arm in arms:
            of_arm = result["medians"][arm].get(figure)
            row.append(number(figure, of_arm["median"]) if of_arm else "–")
        rows.append(row + [ratio_text(result["ratios"][arm].get(figure)) for arm in arms[:-1]])
    lines = [table(titles, rows) if len(arms) <= ARMS_ACROSS_MAX else by_arm(result, title)]
    for goal in result["goals"]:
        bound, words = (goal["at_most"], "at most") if "at_most" in goal else (goal["at_least"], "at least")
        lines.append(f"goal: {FIGURES[goal['figure']][0]} {words} {number(goal['figure'], bound)}: "
                     f"{'reached' if goal['reached'] else 'MISSED'} with {number(goal['figure'], goal['measured'])}")
    return "\n".join(lines)


def comparison(before, after, names):
    """Two result files side by side: a table for each scenario that both have, and what makes them hard to compare."""
    lines = []
    ours, theirs = ({one["name"]: one for one in document["results"]} for document in (before, after))
    shared = [name for name in ours if name in theirs]
    if not shared:
        raise measure.Failure(f"nothing to compare: one file has {', '.join(ours) or 'nothing'}, "
                              f"the other {', '.join(theirs) or 'nothing'}")
    for what, value in before["machine"].items():
        if what != "load" and after["machine"].get(what) != value:
            lines.append(f"not the same machine: {what} is {value} and {after['machine'].get(what)}")
    for name in shared:
        one, other = ours[name], theirs[name]
        for key in sorted({*one["options"], *other["options"]}):
            if one["options"].get(key) != other["options"].get(key):
                lines.append(f"{name}: not the same {key}: {one['options'].get(key)} and {other['options'].get(key)}")
        rows = []
        for arm in [arm for arm in other["arms"] if arm in one["arms"]]:
            for figure in figures_of(other, [arm]):
                of_one, of_other = values(one, arm, figure), values(other, arm, figure)
                if of_one:
                    rows.append([f"{arm}: {FIGURES[figure][0]}", number(figure, statistics.median(of_one)),
                                 number(figure, statistics.median(of_other)),
                                 ratio_text(pairs.separate_ratio(of_other, of_one))])
        lines.append(table([name, *names, f"{names[1]} / {names[0]}, 95 %"], rows))
    for name in sorted({*ours} ^ {*theirs}):
        lines.append(f"{name} is in {names[0] if name in ours else names[1]} only")
    return "\n\n".join(lines)
