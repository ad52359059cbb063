"""Completions and the manual page hold every command and every flag that --help names, and work where they are used."""
import re
import shutil
import subprocess
import unittest

import program

SHELLS = ("bash", "zsh", "fish")


def commands():
    """As --help lists them, below its last heading."""
    listing = program.printed("--help").partition("Subcommands:\n")[2]
    return re.findall(r"^  ([a-z][a-z-]*) ", listing.partition("\n\n")[0], re.MULTILINE)


def flags(command):
    """The flags at the beginning of each line of --help."""
    lines = re.findall(r"^  (-\S*)", program.printed(*command, "--help"), re.MULTILINE)
    return {re.sub(r"[{\[].*", "", flag) for line in lines for flag in line.split(",")}


def completed(*words):
    """What bash would offer for the last of the words."""
    script = program.printed("completions", "bash") + 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice\n'
    script += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.split()


class Everything(unittest.TestCase):
    def test_help_is_read(self):
        self.assertLessEqual({"copy", "run", "bench", "assess", "status", "pause", "resume", "commit", "install-service",
                              "completions", "man", "doctor"}, set(commands()))
        self.assertLessEqual({"--help", "-h", "--cluster0", "--port", "--auto-resume", "--no-auto-resume"}, flags([]))

    def test_is_in_each_script_and_in_the_manual(self):
        scripts = {shell: program.printed("completions", shell) for shell in SHELLS}
        manual = program.printed("man").replace("\\-", "-")
        for command in [[], *([name] for name in commands())]:
            name = "".join(command)
            bash = re.search(rf"^ +{re.escape(name or '*')}\) values=.*", scripts["bash"], re.MULTILINE).group()
            zsh = re.search(rf"^ +{re.escape(name or '*')}\) values=.*", scripts["zsh"], re.MULTILINE).group()
            when = f"-n '__fish_seen_subcommand_from {name}'" if name else "-n '__fish_use_subcommand'"
            fish = "\n".join(line for line in scripts["fish"].splitlines() if when in line)
            section = re.split(rf"^\.SS {name}$" if name else r"^\.SH OPTIONS$", manual, flags=re.MULTILINE)[1]
            section = re.split(r"^\.S[SH] ", section, flags=re.MULTILINE)[0]
            if name:
                self.assertIn(f"-a {name} ", scripts["fish"])
                self.assertIn(f"'{name}:", scripts["zsh"])
            for flag in flags(command):
                with self.subTest(f"{name} {flag}"):
                    self.assertRegex(bash, rf"[ ']{flag}[ ']")
                    self.assertIn(f"'{flag}:", zsh)
                    self.assertRegex(fish, rf" {'-l ' + flag[2:] if flag.startswith('--') else '-s ' + flag[1:]} ")
                    self.assertRegex(section, rf"(?m)^\.B (.*, )?{flag}([, ]|$)")

    def test_another_shell_is_wrong_usage(self):
        self.assertEqual(program.run("completions", "tcsh").returncode, 2)


class Used(unittest.TestCase):
    def test_bash_takes_the_script(self):
        subprocess.run(["bash", "-n"], input=program.printed("completions", "bash"), text=True, timeout=30, check=True)

    def test_bash_completes(self):
        self.assertEqual(completed("sluice", "as"), ["assess"])
        self.assertEqual(completed("sluice", "--verifyC"), ["--verifyConnectivity"])
        self.assertEqual(completed("sluice", "status", "--js"), ["--json"])
        self.assertEqual(completed("sluice", "status", "--cluster"), [])
        self.assertEqual(completed("sluice", "status", "--api-ca-file", ""), [])  # the name of a file, then

    def test_groff_takes_the_manual_page(self):
        groff = shutil.which("groff")
        if groff is None:
            self.skipTest("there is no groff")
        done = subprocess.run([groff, "-man", "-Tutf8", "-ww"], input=program.printed("man"), capture_output=True,
                              text=True, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("sluice - copies a live", done.stdout)


if __name__ == "__main__":
    unittest.main()
