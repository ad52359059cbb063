"""Rounds of arms: every arm once from the same starting point, every second round backwards, in a folder that goes."""
import argparse
import contextlib
import os
import shutil

import measure
import pairs


def count(text):
    """An argument that is a number of rounds."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds")
    return int(text)


@contextlib.contextmanager
def folder(place):
    """Of this process alone; those that killed ones left are removed too."""
    mine = place / f"sluice-perf-{os.getpid()}"
    for left in place.glob("sluice-perf-*"):
        if not os.path.exists(f"/proc/{left.name.removeprefix('sluice-perf-')}"):
            shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(mine, ignore_errors=True)
    mine.mkdir(parents=True)
    try:
        yield mine
    finally:
        shutil.rmtree(mine, ignore_errors=True)


def check_disk(place, needed):
    """By name of what needs so many bytes, before anything is built or started."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise measure.Failure(f"--place {place}: {error.strerror}") from error
    free = shutil.disk_usage(place).free
    for name, bytes_needed in needed.items():
        if bytes_needed > free:
            raise measure.Failure(f"{name} may take {bytes_needed / 1e9:.1f} GB in {place}, and {free / 1e9:.1f} GB "
                                  "are free; take fewer rounds, --short, less data (--set), or another --place")


def run(arms, how_many, stage):
    """Figures of each arm in each round. `arms`: name -> what runs it once."""
    found = []
    for number in range(how_many):
        order, figures = pairs.turn(arms, number), {}
        for arm in order:
            stage.reset()
            figures[arm] = arms[arm]()
        stage.first = False
        found.append({"order": order, "figures": figures})
        walls = [f"{arm} {figures[arm]['wall_seconds']:.2f} s" for arm in arms if "wall_seconds" in figures[arm]]
        measure.say(f"round {number + 1} of {how_many}" + (": " if walls else "") + ", ".join(walls))
    return found
