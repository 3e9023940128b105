"""`make bench`: every claim in turn. `python -m benchmarks.<claim> --help` runs one with its own options."""

from __future__ import annotations

import platform
import subprocess
import sys

CLAIMS = ("ingest", "helper", "freshness", "overview", "pages", "runway", "verdict", "prometheus", "alerts")


def main() -> int:
    """Run each claim in a process of its own, so that none warms or burdens another."""
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    failed = [
        claim
        for claim in CLAIMS
        if subprocess.run([sys.executable, "-m", f"benchmarks.{claim}"], check=False).returncode
    ]
    if failed:
        print("not measured:", ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
