"""All measurements of notebook 01, one after the other: python benchmarks/curation.py [PART ...]

    near      near duplicates against datasketch: recall, speed at 100,000 rows, 1,000,000 rows, minimal pairs
    personal  personal data against Presidio, where it is installed: recall and precision by kind, rows per second
    faults    the faults planted in the samples: found, missed, false alarms
    inputs    the 37 inputs that break other readers: how many behave as they should
    large     200,000 rows through notebooks 00 and 01: seconds and peak memory

Each part is a script of its own, with options; this one runs them as they are meant to be quoted.
"""

from __future__ import annotations

import re
import subprocess
import sys

from workbench.runtime import ROOT

NASTY = "tests/curate/reading/test_nasty_inputs.py"
SCRIPTS = {
    "near": "benchmarks/near_duplicates.py",
    "personal": "benchmarks/personal_data/against_presidio.py",
    "faults": "benchmarks/planted_faults.py",
    "large": "benchmarks/large_curation.py",
}


def nasty_inputs() -> int:
    """Run the test of each input, and say how many of them pass."""
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rA", NASTY], cwd=ROOT, capture_output=True, text=True)
    results = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED)\b.*?::test_(\d\d)_", run.stdout, flags=re.MULTILINE)
    bad = {number for result, number in results if result != "PASSED"}
    print(f"{len({number for _, number in results} - bad)} of 37 inputs behave as they should")
    return run.returncode


def main(parts: list[str]) -> int:
    """Run the parts asked for, or all of them; the exit code of the first that fails."""
    for part in parts or ["near", "personal", "faults", "inputs", "large"]:
        print(f"\n# {part}\n", flush=True)
        if part == "inputs":
            code = nasty_inputs()
        elif part in SCRIPTS:
            code = subprocess.run([sys.executable, SCRIPTS[part]], cwd=ROOT).returncode
        else:
            print(__doc__)
            return 2
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
