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


def show(service):
    print(f"\nReckoner serves at {service.url} (metrics: {service.local_url}/metrics)")
    print(f"Product clock: demonstration, {service.clock} at its last move; it runs on from there")
    print(f"Move the clock: echo 2012-08-15T09:00:00Z > {service.clock_file}")
    print(f"Command line: {service.build}/reckoner --config {service.config_file} health")
    if service.tokens:
        print(f"Uploads that were sent: {service.workdir / 'data'}")
        print("\nTokens, by person:")
        width = max(map(len, service.tokens))
        for person, token in service.tokens.items():
            print(f"  {person:{width}}  {token}")
        token = next(iter(service.tokens.values()))
        print(f"\nTry: curl -H 'Authorization: Bearer {token}' {service.url}/v1/contracts")
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
                              clock=script.AGREED_ON) as service:
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
