"""The audit trail as a file: what each side may see, with a chain that anybody can follow; checked offline by a command
and by a few lines written anew; and nobody may change it."""

import hashlib
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class AuditTrail(harness.ServiceCase):
    settings = {"worker_poll_ms": 20}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = cls.service.workdir / "kept"
        cls.place.mkdir()
        cls.contract = cls.agree()
        cls.other = cls.agree("RXA", "5QF", harness.simple_terms("RXA", "5QF"), ("a.author", "a.maker", "f.one"))
        cls.send([harness.row(n) for n in range(3)])

    def settle(self):
        self.wait_until(lambda: self.value("SELECT NOT EXISTS (SELECT FROM reckoner.log_pending) AND NOT EXISTS"
                                           " (SELECT FROM reckoner.audit_pending)") == "t", what="the log")

    def ask(self, person, provider="RXA", **body):
        client = self.as_person(person)
        self.addCleanup(client.close)
        asked = client.post(f"/v1/providers/{provider}/audit-trail", body)
        client.wait_for_job(provider, asked["job"])
        return client.send("GET", f"/v1/providers/{provider}/exports/{asked['export']}/file").body

    def check(self, data, *arguments, status=0):
        path = self.place / "trail"
        path.write_bytes(data)
        done = subprocess.run([str(harness.BUILD / "reckoner"), "audit", "check", str(path), *map(str, arguments)],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def key(self):
        path = self.place / "key.pem"
        path.write_text(self.as_person(None).get("/v1/keys")["items"][0]["pem"])
        return path

    def walk(self, data):
        """The trail read as the format says, without the command; returns the events."""
        lines = [json.loads(line) for line in data.splitlines()]
        self.assertEqual(b"".join(canonical(line) + b"\n" for line in lines), data)
        head, *links, end = lines
        chained, events = bytes.fromhex(head["before"]), []
        for n, link in enumerate(links, head["after"] + 1):
            self.assertEqual(link["seq"], n)
            digest = hashlib.sha256(canonical(link["event"])).digest() if "event" in link else \
                bytes.fromhex(link["digest"])
            chained = hashlib.sha256(chained + digest).digest()
            if end["head"] and n == end["head"]["entry"]["seq"]:
                self.assertEqual(chained.hex(), end["head"]["entry"]["hash"])
            events += [link["event"]] if "event" in link else []
        self.assertEqual(end["hash"], chained.hex())
        return events

    def test_1_the_provider_sees_its_affairs_and_the_command_agrees(self):
        self.settle()
        data = self.ask("a.maker")
        events = self.walk(data)
        acts = {event["act"] for event in events}
        self.assertLessEqual({"contract.create", "terms.approve", "submission.receive", "session.begin"}, acts)
        self.assertEqual({event["provider"] for event in events}, {"RXA"})
        said = self.check(data, "--key", self.key())
        self.assertIn("good         signature", said)
        self.assertIn(f"{len(events)} events", said)
        note = "\n".join(json.loads(data.splitlines()[-1])["checkpoint"]) + "\n"
        (self.place / "note").write_text(note)
        self.assertIn("the one that was kept", self.check(data, "--kept", self.place / "note"))

    def test_2_a_commissioner_sees_its_own_side_and_follows_the_chain(self):
        mine = self.walk(self.ask("e.one"))
        contract = self.contract.rsplit("/", 1)[1]
        subjects = {event["subject"] for event in mine}
        self.assertIn(f"contract/{contract}/terms/1", subjects)
        self.assertFalse([s for s in subjects if self.other.rsplit("/", 1)[1] in s])
        self.assertFalse([e for e in mine if e["act"] == "submission.receive"])
        others = self.walk(self.ask("f.one"))
        self.assertFalse([e for e in others if contract in e["subject"]])
        self.assertIn("digests of others", self.check(self.ask("e.one")))

    def test_3_an_appointed_auditor_and_nobody_else(self):
        self.assertEqual({e["act"] for e in self.walk(self.ask("audit.one"))} & {"submission.receive"},
                         {"submission.receive"})
        for person, provider, body in (("audit.one", "RXB", {}), ("b.maker", "RXA", {}), ("audit.one", "RXA",
                                       {"commissioner": "5QE"}), ("e.one", "RXA", {"commissioner": "5QF"}),
                                       ("e.one", "RXB", {}), ("a.maker", "RXA", {"commissioner": "5QE"})):
            with self.subTest(person=person, provider=provider, body=body):
                client = self.as_person(person)
                reply = client.send("POST", f"/v1/providers/{provider}/audit-trail", body)
                self.assertProblem(reply, 404, "not_found")

    def test_4_the_rest_follows_what_one_has(self):
        whole = self.ask("a.maker")
        last = json.loads(whole.splitlines()[-1])["links"]
        self.as_person("a.author").post(self.contract + "/terms", harness.simple_terms())
        self.settle()
        rest = self.ask("a.maker", after=last)
        self.assertEqual(json.loads(rest.splitlines()[0])["before"], json.loads(whole.splitlines()[-1])["hash"])
        self.assertIn("terms.draft", {event["act"] for event in self.walk(rest)})
        self.check(rest)

    def test_5_whatever_is_bent_is_named(self):
        self.settle()
        data = self.ask("a.maker")
        lines = data.splitlines(keepends=True)
        shown = next(n for n, line in enumerate(lines) if b'"act":"terms.approve"' in line)
        for bent, words in (
                (lines[:shown] + [lines[shown].replace(b"terms.approve", b"terms.withdrew")] + lines[shown + 1:],
                 "not the one whose head is in the log"),
                (lines[:shown] + lines[shown + 1:], f"link {shown} is missing"),
                (lines[:-1], "the end of the trail is missing"),
                ([lines[0].replace(b'"before":"00', b'"before":"01'), *lines[1:]], "not the one whose head"),
                ([b"{}\n", *lines[1:]], "not that of an audit trail"),
                ([*lines[:-1], lines[-1].replace(b'"path":["', b'"path":["0')], "not in the log")):
            with self.subTest(words=words):
                self.assertIn(words, self.check(b"".join(bent), status=1))

    def test_6_no_role_changes_or_removes_it(self):
        roles = ("reckoner_web", "reckoner_worker", "reckoner_auditor", "reckoner_migrate", "postgres")
        for role in roles:
            for sql in ("UPDATE reckoner.audit_event SET subject = 'x'", "DELETE FROM reckoner.audit_event",
                        "TRUNCATE reckoner.audit_event CASCADE", "UPDATE reckoner.audit_link SET hash = hash",
                        "DELETE FROM reckoner.audit_link"):
                with self.subTest(role=role, sql=sql), \
                        self.assertRaisesRegex(AssertionError, "permission denied|append-only"):
                    self.query(f"SET ROLE {role}; {sql}")
        with self.assertRaisesRegex(AssertionError, "permission denied"):
            self.query("SET ROLE reckoner_auditor; INSERT INTO reckoner.audit_event (provider, at, act, subject)"
                       " VALUES ('RXA', now(), 'test.act', 'x')")

    def test_7_sign_ins_and_refused_attempts_are_in_it(self):
        begun = self.query("SELECT person, count(*), min(address) FROM reckoner.audit_event WHERE act = 'session.begin'"
                           " GROUP BY person ORDER BY 1")
        self.assertIn(["a.maker", "1", "127.0.0.1"], begun)
        self.assertTrue(all(count == "1" for _, count, _ in begun), begun)
        self.as_person("audit.one").send("POST", "/v1/providers/RXA/contracts", {})
        self.assertEqual(self.value("SELECT count(*) > 0 FROM reckoner.audit_event WHERE act = 'request.refuse' AND"
                                    " person = 'audit.one'"), "t")


if __name__ == "__main__":
    harness.main()
