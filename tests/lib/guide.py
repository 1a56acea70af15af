"""Replays the commands of a guide in one shell, block by block, and compares what they print with what the page shows.

A block is ```sh ... ```; the block without a language (or json) right behind it is what it prints. In that, `...`
stands for anything, also for whole lines; ids, instants and digests are new at each run and stand for any of their
form, the same for the same within a block. `. .run/*/settings` reads what `make run` gives to a shell.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:```(?:json)?\n(.*?)^```\n)?", re.S | re.M)
END = "-- end of block --"
CURL = "#!/bin/sh\nexec {curl} -D \"$(mktemp \"$REPLIES/$(cat \"$REPLIES/../block\").XXXXXX\")\" \"$@\"\n"

# What is new at each run, in the order in which it is looked for.
NEW = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"),
    (re.compile(r"timestamp:\d+"), r"timestamp:\d+"),
    (re.compile(r"rule set 1\.[0-9a-f]+"), r"rule set 1\.[0-9a-f]+"),
    (re.compile(r"\b[0-9a-f]{8}\.\.\."), r"[0-9a-f]{64}"),
    (re.compile(r"\b[0-9a-f]{64}\b"), r"[0-9a-f]{64}"),
    (re.compile(r"\b[0-9A-F]{16}\b"), r"[0-9A-F]{16}"),
    (re.compile(r"\b[bcdfghjklmnpqrstvwxz]{20}\b"), r"[a-z]{20}"),
    (re.compile(r"\.\.\."), r"[^\n]*")]


class Block:
    def __init__(self, commands, shown):
        self.commands = commands
        self.shown = shown  # None: the page shows nothing
        self.printed = None  # None: the walk did not come to its end
        self.error = ""  # then, of the block where it ended: what stood on standard error
        self.statuses = []  # of the HTTP replies of the block, in order


def blocks(page, sections=None):
    """Of the whole page, or of the sections with these headings."""
    parts = re.split(r"^## (.*)\n", page, flags=re.M)
    wanted = [page] if sections is None else [parts[parts.index(section) + 1] for section in sections]
    return [Block(commands, shown or None) for part in wanted for commands, shown in BLOCK.findall(part)]


def pattern(shown):
    """A regular expression for a printed sample."""
    known = {}
    lines = []
    for line in shown.splitlines():
        lines.append(r"(?:[^\n]*\n)*?" if line.strip() == "..." else line_pattern(line, known) + r"\n")
    return "".join(lines)


def line_pattern(line, known):
    out, rest = "", line
    while rest:
        first = min(((match.start(), -match.end(), form, match[0]) for search, form in NEW
                     if (match := search.search(rest))), default=None)
        if first is None:
            return out + re.escape(rest)
        start, end, form, text = first
        out += re.escape(rest[:start])
        if text == "...":
            out += form
        elif text in known:
            out += f"(?P={known[text]})"
        else:
            known[text] = f"n{len(known)}"
            out += f"(?P<{known[text]}>{form})"
        rest = rest[-end:]
    return out


def agrees(shown, printed):
    return re.fullmatch(pattern(shown), printed) is not None


def walk(script, environment, folder, seconds):
    """Standard output, and how it ended."""
    try:
        done = subprocess.run(["bash", "-eu", "-c", script], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=seconds, check=False, cwd=folder)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(), f"not over after {seconds} s"
    return done.stdout.decode(), f"status {done.returncode}\n{done.stderr.decode()[-2000:]}"


def replay(pages, settings, folder, sections=None, seconds=120):
    """Runs every block of the pages at these paths, or of these sections, in one bash, with this file of settings, and
    in folder what they do in /tmp. Returns the blocks."""
    texts = [pathlib.Path(page).read_text(encoding="utf-8") for page in pages]
    out = [block for text in texts for block in blocks(text, sections)]
    folder = pathlib.Path(folder)
    with tempfile.TemporaryDirectory() as helpers:
        helpers = pathlib.Path(helpers)
        (helpers / "replies").mkdir()
        (helpers / "bin").mkdir()
        (helpers / "bin/curl").write_text(CURL.format(curl=shutil.which("curl")), encoding="utf-8")
        (helpers / "bin/curl").chmod(0o755)
        script = ""
        for number, block in enumerate(out):
            commands = block.commands.replace("/tmp/", f"{folder}/")
            commands = commands.replace(". .run/*/settings", f". {settings}")
            script += f"echo {number:03} > {helpers}/block\n{commands}\necho '{END}'\n"
        environment = os.environ | {"PATH": f"{helpers}/bin:{os.environ['PATH']}", "REPLIES": f"{helpers}/replies"}
        stdout, end = walk(script, environment, folder, seconds)
        replies = sorted((helpers / "replies").iterdir(), key=lambda reply: reply.stat().st_mtime_ns)
        for reply in replies:
            status = re.match(r"HTTP/\S+ (\d+)", reply.read_text(encoding="latin-1"))
            out[int(reply.name[:3])].statuses.append(int(status[1]) if status else 0)
    printed = stdout.split(END + "\n")
    for block, text in zip(out, printed[:-1]):
        block.printed = text
    if len(printed) <= len(out):
        out[len(printed) - 1].error = f"{printed[-1]}\n{end}"
    return out
