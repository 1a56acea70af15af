"""The project keeps its house rules, and each rule is seen to catch what it is for."""

import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import house  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# Where a violation is planted, what it is, and words of the sentence that must name it.
PLANTED = [
    ("server/routes/x.c", "int f(char *b)\n{\n    return sprintf(b, \"x\");\n}\n", "sprintf is banned"),
    ("server/base/x.c", "long f(const char *b)\n{\n    return strtol(b, 0, 10);\n}\n", "strtol is banned"),
    ("tests/unit/x.c", "int f(const char *b)\n{\n    return atoi(b);\n}\n", "atoi is banned"),
    ("tests/unit/x.c", "char *f(char *b)\n{\n    return strtok(b, \",\");\n}\n", "strtok is banned"),
    ("server/cli/x.c", "int f(void)\n{\n    return system(\"ls\");\n}\n", "system is banned"),
    ("migrations/0009_x.sql", "GRANT " + "x" * 125 + "\n", "the limit is 130"),
    ("server/domain/x.c", "int f(void)\n{\n    return time(0) > 0;\n}\n", "the domain is pure"),
    ("server/domain/x.c", "static int count;\n", "outlives a call"),
    ("server/domain/x.c", "int f(void)\n{\n    static int count = 0;\n    return count++;\n}\n", "outlives a call"),
    ("server/domain/x.c", "long total[3] = {0};\n", "outlives a call"),
    ("server/domain/x.c", "#include \"store/pg.h\"\n", "domain may not depend on store"),
    ("server/base/x.h", "#include \"domain/terms.h\"\n", "base may not depend on domain"),
    ("server/store/x.c", "#include \"http/request.h\"\n", "store may not depend on http"),
    ("server/worker/x.c", "#include \"routes/table.h\"\n", "worker may not depend on routes"),
    ("server/base/x.c", "#include \"buf.h\"\n", "write the include as"),
    ("server/novel/x.c", "int x;\n", "not a room"),
    ("server/routes/x.c", "#include \"signing/sign.h\"\n", "can use private keys"),
    ("server/http/x.c", "#include \"signing/unseal.h\"\n", "can use private keys"),
    ("server/reckonerd.c", "#include \"signing/unseal.h\"\n", "can use private keys"),
    ("server/routes/x.c", "#include <microhttpd.h>\n", "only http may use microhttpd.h"),
    ("server/worker/x.c", "#include <libpq-fe.h>\n", "only store may use libpq-fe.h"),
    ("server/domain/x.c", "double price(void);\n", "no floating point"),
    ("server/store/x.h", "float price(void);\n", "no floating point"),
    ("server/http/x.c", "int f(void)\n{\n" + "    ;\n" * 79 + "}\n", "a function of 81 lines"),
    ("server/http/x.c", "\n" * 701, "701 lines"),
    ("tests/api/test_x.py", "\n" * 701, "701 lines"),
    ("server/http/x.c", "/* TO" "DO: finish */\n", "unfinished work"),
    ("deploy/x.sh", "# not yet imple" "mented\n", "unfinished work"),
    ("server/http/x.c", "/* " + "x" * 118 + " */\n", "124 characters"),
    ("server/http/x.c", "int x; \n", "blanks at the end"),
    ("server/http/x.c", "\tint x;\n", "a tab"),
    ("migrations/0009_x.sql", "CREATE TABLE reckoner.x (\n  id text\n);\nCOMMENT ON COLUMN reckoner.x.id IS 'X';\n",
     "table x has no comment"),
    ("migrations/0009_x.sql", "CREATE TABLE x (\n  id text\n);\nCOMMENT ON TABLE x IS 'X';\n", "column x.id has no"),
]

# What looks like a violation and is none.
INNOCENT = [
    ("migrations/0009_x.sql", "GRANT " + "x" * 124 + "\nCOMMENT ON TABLE x IS\n  '" + "x" * 200 + "';\n"),
    ("server/routes/x.c", "/* sprintf(b) would be wrong */\nconst char *f = \"strtok(x)\";\n"),
    ("server/domain/x.c", "static const int days[2] = {1, 2};\nstatic int f(int a,\n             int b);\n"),
    ("server/domain/x.c", "struct terms;\nbool f(void)\n{\n    int count = 0;\n    return count;\n}\n"),
    ("server/http/x.c", "void f(void)\n{\n    snprintf(b, 2, \"x\");\n    o->random(1);\n}\n"),
    ("server/http/x.c", "int f(void)\n{\n" + "    ;\n" * 78 + "}\n"),
    ("server/routes/x.c", "#include \"signing/keyfile.h\"\n#include \"http/request.h\"\n#include <stdio.h>\n"),
    ("migrations/0009_x.sql", "CREATE TABLE reckoner.x (\n  id text,\n  PRIMARY KEY (id)\n);\n"
     "COMMENT ON TABLE reckoner.x IS 'X';\nCOMMENT ON COLUMN reckoner.x.id IS 'Y';\n"),
]


class HouseRules(unittest.TestCase):
    def test_the_project_keeps_them(self):
        build = pathlib.Path(os.environ.get("RECKONER_BUILD", ROOT / "build/release"))
        wrong = list(house.check(ROOT, build))
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def planted(self, name, text):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
        return list(house.check(folder))

    def test_each_violation_is_named_once(self):
        for name, text, words in PLANTED:
            with self.subTest(words=words, name=name):
                wrong = self.planted(name, text)
                self.assertEqual(len(wrong), 1, wrong)
                self.assertIn(words, wrong[0])
                self.assertTrue(wrong[0].startswith(name), wrong[0])

    def test_the_innocent_pass(self):
        for name, text in INNOCENT:
            with self.subTest(name=name, text=text[:40]):
                self.assertEqual(self.planted(name, text), [])


if __name__ == "__main__":
    unittest.main()
