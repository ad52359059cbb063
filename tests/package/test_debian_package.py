"""The Debian package that CPack makes of the release build holds what it must, and its program starts from there."""
import gzip
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import program

BUILD = program.PROGRAM.parent
PRINTED = {"usr/lib/systemd/system/sluice.service": ["install-service"],
           "usr/share/bash-completion/completions/sluice": ["completions", "bash"],
           "usr/share/zsh/vendor-completions/_sluice": ["completions", "zsh"],
           "usr/share/fish/vendor_completions.d/sluice.fish": ["completions", "fish"]}
FILES = ("usr/bin/sluice", "usr/share/man/man1/sluice.1.gz", "usr/share/doc/sluice/copyright",
         "usr/share/doc/sluice/README.md", "usr/share/doc/sluice/docs/operating.md", *PRINTED)


def said_by(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


class Package(unittest.TestCase):
    def setUp(self):
        if shutil.which("dpkg-deb") is None or shutil.which("dpkg-shlibdeps") is None:
            self.skipTest("there is no dpkg-dev")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        said_by("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", self.folder)
        (self.package,) = self.folder.glob("*.deb")

    def test_holds_everything_and_starts(self):
        fields = dict(line.strip().split(": ", 1) for line in said_by("dpkg-deb", "-I", self.package).splitlines()
                      if ": " in line)
        self.assertEqual(fields["Package"], "sluice")
        for library in ("libc6", "libcurl4", "libmongoc-1.0-0"):
            self.assertIn(library, fields["Depends"])
        listing = said_by("dpkg-deb", "-c", self.package).split()
        for file in FILES:
            self.assertIn("./" + file, listing)
        root = self.folder / "root"
        said_by("dpkg-deb", "-x", self.package, root)
        for file, arguments in PRINTED.items():
            self.assertEqual((root / file).read_text(), program.printed(*arguments), file)
        with gzip.open(root / "usr/share/man/man1/sluice.1.gz", "rt") as page:
            self.assertEqual(page.read(), program.printed("man"))
        self.assertEqual(said_by(root / "usr/bin/sluice", "--version"), program.printed("--version"))


if __name__ == "__main__":
    unittest.main()
