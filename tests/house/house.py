"""The house rules: what the compiler and the linters do not know.

    house.py [ROOT [BUILD]]     prints PLACE: what is wrong, and ends with status 1 when there is anything

BUILD adds the check of the linked programs: reckonerd must hold nothing that can use a private key.
"""

import pathlib
import re
import subprocess
import sys

FILE_LINES = 700
ONE_FILE = {"auditor/reckoner_auditor.py": 2500}  # one file on purpose: read in an afternoon
FUNCTION_LINES = 80
LINE_LENGTH = 120
SQL_LINE_LENGTH = 130  # grants and policies read better as one line

# Room -> rooms that its files may include from, beside their own.
ROOMS = {
    "base": set(),
    "domain": {"base"},
    "check": {"base", "domain"},
    "proof": {"base", "domain", "signing"},
    "signing": {"base"},
    "store": {"base", "domain", "signing"},
    "http": {"base", "domain", "store", "signing"},
    "routes": {"base", "domain", "proof", "store", "http", "signing"},
    "worker": {"base", "domain", "check", "proof", "store", "signing"},
    "cli": {"base", "domain", "check", "proof", "store", "signing"},
    "": {"base", "domain", "check", "proof", "store", "signing", "http", "routes", "worker", "cli"},  # the three mains
}
# From these rooms only this of signing may be used: public halves, sealing, and the loader of the token key.
PUBLIC_SIGNING = {"seal.h", "public_key.h", "pem.h", "minisign.h", "keyfile.h", "reading_key.h"}
PUBLIC_ONLY = {"routes", "http", "store", "proof", "reckonerd.c"}
# Library header -> rooms that may include it.
LIBRARIES = {
    "microhttpd.h": {"http"},
    "libpq-fe.h": {"store"},
    "zlib.h": {"base"},
}
BANNED = {
    "sprintf": "snprintf", "vsprintf": "vsnprintf", "strcpy": "memcpy with a known size",
    "stpcpy": "memcpy with a known size", "strcat": "base/buf.h", "strncpy": "memcpy with a known size",
    "strncat": "base/buf.h", "strtok": "a loop over memchr", "strtok_r": "a loop over memchr", "atoi": "base/parse.h",
    "atol": "base/parse.h", "atoll": "base/parse.h", "atof": "base/parse.h", "gets": "fgets", "scanf": "base/parse.h",
    "sscanf": "base/parse.h", "fscanf": "base/parse.h", "strtol": "base/parse.h", "strtoll": "base/parse.h",
    "strtoul": "base/parse.h", "strtoull": "base/parse.h", "strtod": "base/parse.h", "gmtime": "base/date.h",
    "localtime": "base/date.h", "gmtime_r": "base/date.h", "localtime_r": "base/date.h", "mktime": "base/date.h",
    "asctime": "base/date.h", "ctime": "base/date.h", "rand": "randombytes_uniform", "srand": "randombytes_uniform",
    "random": "randombytes_uniform", "alloca": "malloc", "system": "nothing", "popen": "nothing", "tmpnam": "mkstemp",
    "mktemp": "mkstemp", "setjmp": "a return value", "longjmp": "a return value",
}
TESTS_MAY = {"system", "strtol", "strtoull"}  # to prepare a folder; to read a number without the code under test
# Reading the clock or the environment, drawing random numbers, files and logs: the domain does none of it.
IMPURE = {
    "time", "clock_gettime", "gettimeofday", "clock_now", "clock_wall", "clock_monotonic", "getenv", "fopen", "open",
    "fprintf", "printf", "puts", "perror", "log_event", "randombytes_buf", "randombytes_uniform", "ident_new", "read",
    "write", "getrandom",
}
# A static without const anywhere, or a definition at the left margin that is neither constant nor a function.
OUTLIVES = re.compile(r"\s*static (?!const\b|inline\b)[^(]*[;=]|"
                      r"(?!static\b|const\b|typedef\b|extern\b|struct \w+;|enum\b|union \w+;|#)[a-z][^({]*;$|"
                      r"(?!static\b|const\b|typedef\b|enum\b)[a-z][^({]*= ")
# Each word with a class of one letter, so that the rule does not name itself.
UNFINISHED = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b|not (yet )?i[m]plemented|\bfor n[o]w\b", re.IGNORECASE)
TEXT_SUFFIXES = {".c", ".h", ".py", ".sh", ".sql", ".md", ".awk", ".yaml", ".yml", ".conf", ".service", ".js", ".css"}
# The rules themselves and their planted violations name what is banned.
EXEMPT = {"tests/house/house.py", "tests/house/test_house.py"}


def files(root):
    """Project files: not build folders, not hidden ones but .ci."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if parts[0] in ("build", "node_modules") or any(p.startswith(".") and p != ".ci" for p in parts):
            continue
        if path.is_file() and "__pycache__" not in parts:
            yield path


def without_comments(text):
    """C text with comments and literals blanked; line numbers and lengths of lines are kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def blank(match):
        found = match.group()
        mark = found[0] if found[0] in "\"'" else " "
        return "".join("\n" if c == "\n" else mark if i in (0, len(found) - 1) else " " for i, c in enumerate(found))
    return pattern.sub(blank, text)


def check_text(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{name}:{number}"
        # Prose is wrapped by the reader's screen; the text of a COMMENT ON is one literal, on its line or the next.
        limit = SQL_LINE_LENGTH if name.endswith(".sql") else LINE_LENGTH
        if len(line) > limit and not name.endswith(".md") and not re.match(r"COMMENT ON |  '.*';$", line):
            yield f"{place}: {len(line)} characters; the limit is {limit}"
        if UNFINISHED.search(line):
            yield f"{place}: unfinished work: {line.strip()[:60]}"
        if line != line.rstrip() and not name.endswith(".md"):
            yield f"{place}: blanks at the end of the line"
        if "\t" in line and name.endswith((".c", ".h", ".py", ".sh", ".sql")):
            yield f"{place}: a tab; indent with blanks"


def room_of(name):
    parts = pathlib.PurePath(name).parts
    return parts[1] if len(parts) > 2 else ""


def check_includes(name, text):
    room = room_of(name)
    if room not in ROOMS:
        yield f"{name}: server/{room} is not a room; the rooms are {', '.join(sorted(filter(None, ROOMS)))}"
        return
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{name}:{number}"
        quoted = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        angled = re.match(r"\s*#\s*include\s*<([^>]+)>", line)
        if angled and angled[1] in LIBRARIES and room not in LIBRARIES[angled[1]]:
            yield f"{place}: only {', '.join(LIBRARIES[angled[1]])} may use {angled[1]}"
        if not quoted:
            continue
        target, _, header = quoted[1].partition("/")
        if not header:
            yield f'{place}: write the include as "room/{target}"'
        elif target != room and target not in ROOMS[room]:
            yield f"{place}: {room or 'a main program'} may not depend on {target}"
        elif target == "signing" and header not in PUBLIC_SIGNING and {room, pathlib.PurePath(name).name} & PUBLIC_ONLY:
            yield f"{place}: signing/{header} can use private keys; only the worker and the command line may"


def check_calls(name, code):
    room = room_of(name)
    for number, line in enumerate(code.splitlines(), 1):
        place = f"{name}:{number}"
        for call in re.findall(r"(?<![\w.>])(\w+)\s*\(", line):
            if call in BANNED and not (call in TESTS_MAY and name.startswith("tests/")):
                yield f"{place}: {call} is banned; use {BANNED[call]}"
            if room == "domain" and call in IMPURE:
                yield f"{place}: {call}: the domain is pure, pass the value in"
        if room in ("domain", "store") and re.search(r"\b(float|double)\b", line):
            yield f"{place}: no floating point near money"
        if room == "domain" and OUTLIVES.match(line):
            yield f"{place}: a variable that outlives a call; the domain has none"


def check_sizes(name, code):
    lines = code.splitlines()
    if len(lines) > FILE_LINES:
        yield f"{name}: {len(lines)} lines; the limit is {FILE_LINES}"
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start + 1 > FUNCTION_LINES:
                yield f"{name}:{start}: a function of {number - start + 1} lines; the limit is {FUNCTION_LINES}"
            start = None


def check_sql(migrations):
    """Every table and column that a migration makes has a comment in some migration."""
    everything = "\n".join(text for _, text in migrations)
    comments = set(re.findall(r"COMMENT ON (?:TABLE|COLUMN) (?:reckoner\.)?([\w.]+) IS", everything))
    for name, text in migrations:
        text = re.sub(r"--[^\n]*", "", text)
        for match in re.finditer(r"CREATE TABLE (?:IF NOT EXISTS )?(?:reckoner\.)?(\w+)\s*\((.*?)\n\)", text, re.DOTALL):
            table, body = match[1], match[2]
            line = text[:match.start()].count("\n") + 1
            if table not in comments:
                yield f"{name}:{line}: table {table} has no comment"
            if "PARTITION OF" in match[0]:
                continue
            for column in re.findall(r"^  ([a-z_]\w*)\s", body, re.MULTILINE):
                if f"{table}.{column}" not in comments:
                    yield f"{name}:{line}: column {table}.{column} has no comment"


def check_program(build):
    """reckonerd is linked from the same library as the worker; none of the private half may end up in it."""
    program = build / "reckonerd"
    if not program.exists():
        return
    symbols = subprocess.run(["nm", str(program)], capture_output=True, text=True, check=True).stdout
    for symbol in re.findall(r" [tT] ((?:signer|unseal|signing_secret)_\w+)", symbols):
        yield f"{program}: holds {symbol}, which can use a private key"


def check(root, build=None):
    """Everything wrong under root, as sentences."""
    migrations = []
    for path in files(root):
        name = path.relative_to(root).as_posix()
        if path.suffix not in TEXT_SUFFIXES and path.name not in ("Makefile", "run"):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            yield f"{name}: not UTF-8"
            continue
        if name not in EXEMPT:
            yield from check_text(name, text)
        if path.suffix in (".c", ".h"):
            code = without_comments(text)
            yield from check_calls(name, code)
            yield from check_sizes(name, code)
            if name.startswith("server/"):
                yield from check_includes(name, text)
        limit = ONE_FILE.get(name, FILE_LINES)
        if path.suffix in (".py", ".sh") and len(text.splitlines()) > limit:
            yield f"{name}: {len(text.splitlines())} lines; the limit is {limit}"
        if name.startswith("migrations/") and path.suffix == ".sql":
            migrations.append((name, text))
    yield from check_sql(migrations)
    if build is not None:
        yield from check_program(build)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    build = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    wrong = list(check(root, build))
    for sentence in wrong:
        print(sentence)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
