"""Where the modules of perf/ are; imported first by every test of them."""
import pathlib
import sys

PERF = pathlib.Path(__file__).resolve().parent.parent.parent / "perf"
sys.path.insert(0, str(PERF))
sys.dont_write_bytecode = True
