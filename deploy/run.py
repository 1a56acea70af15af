#!/usr/bin/env python3
"""`make run`: serves on loopback with the demonstration data, in the foreground, until Ctrl-C; leaves nothing behind.

    run.py BUILD [--empty] [--workers N]

The data come in through the public API, acted out by deploy/demo/demo.py.
--empty starts without them. Each run has a working folder of its own under .run and free ports, so that two runs, and
a run beside `make demo`, do not meet.
"""

import argparse
import os
import pathlib
import shlex
import shutil
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "deploy"), str(ROOT / "deploy/demo")]

import demo  # noqa: E402
import script  # noqa: E402
import service as services  # noqa: E402

RUNS = ROOT / ".run"


def sweep():
    """Removes what earlier runs left that were killed; a run that goes on is left alone."""
    for folder in sorted(RUNS.glob("*")):
        try:
            services.Service(ROOT, folder).clean_left_over()
        except services.ServiceError:
            continue


def variable(person):
    """What a person's token is called in the settings: the first name."""
    _, name = script.PEOPLE[person]
    return name.split()[0].upper()


def write_settings(service):
    """Writes a file for a shell to read, with what the guides call addresses, programs and tokens. Returns its path."""
    values = {"R": service.url, "CLOCK": service.clock_file, "DATA": service.workdir / "data",
              "CONFIG": service.config_file, "RECKONER": service.build / "reckoner",
              "AUDITOR": ROOT / "auditor/reckoner_auditor.py"}
    values |= {variable(person): f"Authorization: Bearer {token}" for person, token in service.tokens.items()}
    path = service.workdir / "settings"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items()), encoding="utf-8")
    return path


def show(service):
    print(f"\nReckoner serves at {service.url} (metrics: {service.local_url}/metrics)")
    print(f"Product clock: demonstration, {service.clock} at its last move; it runs on from there")
    print(f"Move the clock: echo 2012-08-15T09:00:00Z > {service.clock_file}")
    print(f"Command line: {service.build}/reckoner --config {service.config_file} health")
    if service.tokens:
        print(f"Uploads that were sent: {service.workdir / 'data'}")
        print(f"\nFor the guides (api/guides), in another shell: . {write_settings(service)}")
        print("That sets R, CLOCK, DATA, RECKONER, AUDITOR, CONFIG and a header with the token of each person:")
        for person, token in service.tokens.items():
            organisation, name = script.PEOPLE[person]
            print(f"  {variable(person):5}  {person:9}  {organisation}  {name:28}  {token}")
        person, token = next(iter(service.tokens.items()))
        print(f"\nTry, as {person}: curl -H 'Authorization: Bearer {token}' {service.url}/v1/contracts")
    print("\nCtrl-C stops it and removes everything.", flush=True)


def watch(service):
    """Returns when a part has ended that should not."""
    while True:
        for name, process in [("reckonerd", service.daemon), *(("a worker", w) for w in service.workers)]:
            if process.poll() is not None:
                return f"{name} ended with status {process.returncode}; its log is in {service.logs_dir}"
        time.sleep(0.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", help="folder with the programs")
    parser.add_argument("--empty", action="store_true", help="without the demonstration data")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    services.stop_on_signals()
    sweep()
    ended = None
    try:
        with services.Service(arguments.build, RUNS / str(os.getpid()), workers=arguments.workers,
                              clock=script.BEGUN_ON) as service:
            if not arguments.empty:
                print("Playing the demonstration into the service ...", flush=True)
                demo.load(service, service.workdir / "data")
            show(service)
            ended = watch(service)
            kept = pathlib.Path(f"/tmp/reckoner-logs-{os.getpid()}")
            shutil.copytree(service.logs_dir, kept)
            ended = ended.replace(str(service.logs_dir), str(kept))
    except KeyboardInterrupt:
        print("\nStopped; nothing is left behind.")
    except services.ServiceError as error:
        ended = str(error)
    finally:
        if RUNS.exists() and not any(RUNS.iterdir()):
            RUNS.rmdir()
    if ended:
        print(f"run: {ended}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
