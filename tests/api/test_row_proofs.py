"""Commitments to rows: made after acceptance, stated by statements, and proved row by row to whoever may see the row.
The trees are computed here again from the lines, with nothing of the service's."""

import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

TERMS = harness.simple_terms(prices=[{"cluster": "04", "basis": "DAY", "pence": 612}])


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_of(facts, private):
    text = facts.encode()
    return sha256(b"\0", len(text).to_bytes(4, "big"), text, bytes.fromhex(private))


def root_of(leaves):
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", root_of(leaves[:half]), root_of(leaves[half:]))


def path_holds(leaf, index, size, path, root):
    """RFC 6962, section 2.1.1, read from the top: which half the leaf lies in."""
    def climb(i, n, steps):
        if n == 1:
            return leaf if not steps else None
        if not steps:
            return None
        half = 1 << (n - 1).bit_length() - 1
        other = bytes.fromhex(steps[-1])
        below = climb(i, half, steps[:-1]) if i < half else climb(i - half, n - half, steps[:-1])
        if below is None:
            return None
        return sha256(b"\1", below, other) if i < half else sha256(b"\1", other, below)
    return climb(index, size, path) == root


class RowProofs(harness.ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.agree(terms=TERMS) + "/accounts/5QE"
        rows = [harness.row(n, commissioner="5QF" if n % 3 == 2 else "5QE") for n in range(20)]
        rows[4]["start_date"] = "2012-13-01"
        rows[7] |= {"patient_id": "P8712345", "nhs_number": harness.nhs_number(7), "nhs_number_status": "01",
                    "episode_id": "EPISODE-7", "commissioner": "5QE"}
        rows[6]["service"] = 'A,"B"'
        cls.submission = cls.send(rows)["submission"]
        cls.path = f"/v1/providers/RXA/submissions/{cls.submission}/rows"
        cls.wait_until(lambda: cls.proof("a.maker", 1) is not None, what="the commitment")

    @classmethod
    def proof(cls, person, row):
        answer = cls.as_person(person).send("GET", f"{cls.path}/{row}/proof")
        return answer.json() if answer.status == 200 else None

    def test_every_row_of_the_commissioner_is_a_leaf(self):
        numbers = [n + 1 for n in range(20) if n % 3 != 2]
        proofs = [self.proof("e.one", n) for n in numbers]
        leaves = [leaf_of(p["facts"], p["private"]) for p in proofs]
        root = root_of(leaves)
        for i, p in enumerate(proofs):
            self.assertEqual((p["row_no"], p["index"], p["rows"], p["commissioner"], p["month"], p["submission"]),
                             (numbers[i], i, len(numbers), "5QE", "2012-04", self.submission))
            self.assertEqual(p["leaf"], leaves[i].hex())
            self.assertEqual(p["root"], root.hex())
            self.assertTrue(path_holds(leaves[i], i, len(numbers), p["path"], root))
            self.assertFalse(path_holds(leaves[i], i ^ 1, len(numbers), p["path"], root))

    def test_facts_are_the_row_s(self):
        fields = self.proof("a.maker", 1)["facts"].split(",")
        self.assertEqual((fields[0], fields[2], fields[4], fields[15]), ("1", "04", "2012-02-01", ""))
        self.assertEqual(self.proof("a.maker", 5)["facts"].split(",")[4:6], ["", ""])
        self.assertIn("D01", self.proof("a.maker", 5)["facts"].rsplit(",", 1)[1].split(" "))
        self.assertIn(',"A,""B""",', self.proof("a.maker", 7)["facts"])

    def test_nobody_learns_more_than_the_row(self):
        text = self.as_person("e.one").send("GET", f"{self.path}/8/proof").body.decode()
        for identifying in ("P8712345", harness.nhs_number(7), "EPISODE-7"):
            self.assertNotIn(identifying, text)

    def test_the_statement_names_the_root(self):
        client = self.as_person("a.maker")
        self.service.set_clock("2012-05-17T09:00:00Z")
        asked = client.post(f"{self.account}/runs", {"month": "2012-04", "type": "FLEX"})
        client.wait_for_job("RXA", asked["job"])
        listed = client.get(f"{self.account}/statements")["items"][0]
        stated = client.get(f"/v1/providers/RXA/statements/{listed['id']}")["submissions"][0]
        proof = self.proof("audit.one", 1)
        self.assertEqual(stated["trees"], [{"commissioner": "5QE", "rows": proof["rows"], "root": proof["root"]}])
        self.assertEqual(stated["submission"], self.submission)

    def test_strangers_and_what_is_not_there(self):
        for person, row in (("f.one", 1), ("b.maker", 1), ("e.one", 3), ("a.maker", 21), ("a.maker", 2147483648)):
            self.assertProblem(self.as_person(person).send("GET", f"{self.path}/{row}/proof"), 404, "not_found")
        self.assertProblem(self.as_person("a.maker").send("GET", f"{self.path}/3/proof"), 409, "conflict")


if __name__ == "__main__":
    harness.main()
