"""The programs that are compared: the one built here or named, and a baseline out of another commit.

A baseline is built in a git worktree of its own and kept as build/perf/baseline-<commit>/sluice; worktree and build
folder are removed, also when the build fails or is interrupted. Must never touch the checkout that it is called from.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import measure


def described(program, asked="--version"):
    """What a program says it is; also shows that it starts."""
    path = pathlib.Path(program).resolve()
    try:
        done = subprocess.run([path, asked], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise measure.Failure(f"{path}: {error.strerror}") from error
    if done.returncode != 0:
        raise measure.Failure(f"{path} {asked} ended with {done.returncode}:\n{done.stdout[-500:]}")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()[:2]]  # name and commit, of most programs
    return {"path": str(path), "version": ", ".join(lines)}


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=measure.ROOT, text=True, capture_output=True)
    if done.returncode != 0:
        raise measure.Failure(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def commit_of(ref):
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except measure.Failure:
        raise measure.Failure(f"--baseline {ref}: there is no such commit here") from None


def run_to_log(command, cwd, log):
    """In a session of its own, so that an interrupted build takes its compilers along."""
    # Paths below the checkout count as the same for ccache: a second baseline finds what the first one compiled.
    environment = os.environ | {"CCACHE_BASEDIR": str(measure.ROOT), "CCACHE_NOHASHDIR": "1"}
    with open(log, "a") as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, env=environment,
                                   start_new_session=True)
        try:
            code = process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if code != 0:
        raise measure.Failure(f"{measure.text_of(command)} ended with {code}:\n{measure.tail(log)}")


def build_baseline(ref, commit):
    """The sluice of another commit; built once, then taken from build/perf."""
    short = commit[:12]
    folder = measure.PLACE / f"baseline-{short}"
    if (folder / "sluice").exists():
        measure.say(f"baseline {ref} is {short}, built before")
        return folder / "sluice"
    measure.say(f"building baseline {ref} ({short}); this is done once")
    worktree, log = folder / "source", folder / "build.log"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        git("worktree", "prune")
        git("worktree", "add", "--detach", "--force", str(worktree), commit)
        run_to_log(["cmake", "--preset", "release"], worktree, log)
        run_to_log(["cmake", "--build", "build/release", "--target", "sluice"], worktree, log)
        shutil.copy2(worktree / "build" / "release" / "sluice", folder / "sluice.part")
    except measure.Failure as failure:
        shutil.rmtree(folder, ignore_errors=True)
        raise measure.Failure(f"baseline {ref} ({short}) does not build: {failure}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(worktree, ignore_errors=True)
        git("worktree", "prune")
    log.unlink()
    (folder / "sluice.part").rename(folder / "sluice")
    return folder / "sluice"


def executable(option, path):
    if not os.access(path, os.X_OK) or not path.is_file():
        raise measure.Failure(f"{option} {path} is not a program")
    return path.resolve()
