"""`make demo`: a quarter of two mental health trusts and three commissioners, from contract to credit note, through the
HTTP API of a service that is started for it and is gone afterwards.

    python3 deploy/demo/demo.py BUILD [FOLDER]     FOLDER: where it works, default .demo/run; removed and made again

Every amount is compared with deploy/demo/expected.json, which another program computed. Ends with status 1 at the first
difference and names it.
"""

import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))

import compare  # noqa: E402
import script  # noqa: E402
import service as services  # noqa: E402
import story as stories  # noqa: E402


def say(line=""):
    print(line, flush=True)


def make_data(build, folder):
    """Writes the uploads and their manifest into the folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(build / "reckoner"), "demo-data", "--out", str(folder), "--casemix",
                    str(HERE / "casemix.csv")], check=True)


def load(service, folder):
    """Plays the whole story into a running service that is on a clock file; for `make run`. Returns the Story."""
    make_data(service.build, folder)
    story = stories.Story(service, folder)
    story.play()
    return story


def print_timings(story, total):
    say("\nHow long it took (seconds)")
    for what, seconds in story.timings:
        say(f"  {seconds:6.2f}  {what}")
    say(f"  {total:6.2f}  in all, with {story.rows_sent:,} rows uploaded")


def print_next(folder):
    say(f"""
What to look at next
  {folder}/signed      statements and receipts with their signatures: check one yourself, in that folder, with
                       openssl pkeyutl -verify -rawin -pubin -inkey A-1.pem -sigfile A-1.sig -in A-1.json
                       minisign -V -p A-1.pub -x A-1.minisig -m A-1.json
  {folder}/data        the uploads, and manifest.json: which faults were planted where
  deploy/demo/terms    the four contracts, in the format of api/formats/terms.md
  make run             the same data, served until Ctrl-C
  README.md            what this is, and where to read on""")


def run(build, folder):
    begun = time.monotonic()
    say("Reckoner settles contracts for mental health care. This demonstration plays a quarter of the year 2012 on a\n"
        "service of its own; the clock that the service sees is moved from day to day.\n")
    data = folder / "data"
    make_data(build, data)
    with services.Service(build, folder / "service", workers=2, clock=script.BEGUN_ON) as service:
        story = stories.Story(service, data, say)
        story.timings.append(("uploads generated; database, daemon and two workers started", time.monotonic() - begun))
        story.play()
        say("\nChecking")
        with story.timed("every amount compared"):
            amounts = compare.Comparison(story, compare.expected()).everything()
        say(f"  {story.findings:,} findings are exactly those that were planted")
        say(f"  {amounts:,} amounts (lines, stages, positions, documents, ledgers, balances) equal "
            "deploy/demo/expected.json")
        with story.timed("every signature checked"):
            signed = compare.Signatures(story, folder / "signed").everything()
        say(f"  {signed} signed statements and receipts are accepted by openssl and minisign, "
            "the statements by reckoner verify too")
        print_timings(story, time.monotonic() - begun)
    print_next(folder)
    say("\nThe demonstration succeeded.")


def main(arguments):
    if len(arguments) not in (1, 2):
        raise SystemExit(__doc__)
    build = pathlib.Path(arguments[0]).resolve()
    folder = pathlib.Path(arguments[1] if len(arguments) == 2 else ROOT / ".demo/run").resolve()
    services.stop_on_signals()
    for part in ("data", "signed"):
        shutil.rmtree(folder / part, ignore_errors=True)
    try:
        run(build, folder)
    except stories.Difference as difference:
        say(f"\nDIFFERENCE  {difference}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
