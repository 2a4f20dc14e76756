"""One trial as a plain script has it: an interpreter of its own, TensorFlow imported anew, all cores.

python -m tests.benchmarks.plain SPEC    # the trial's spec as JSON; prints what was measured, as JSON
"""

from __future__ import annotations

import json
import sys

from harness.spec.trial import TrialSpec
from harness.store.record import Measured
from harness.trial.measure import Meter
from harness.trial.quiet import quiet_stderr


def main() -> None:
    meter = Meter()
    reports: list[Measured] = []
    with quiet_stderr():
        from harness.trial.train import train

        train(TrialSpec.model_validate_json(sys.argv[1]), meter, reports.append)
    seconds = {name: phase.wall_seconds for name, phase in meter.phases.items()}
    print(json.dumps({"seconds": seconds, "test": reports[-1].test}))


if __name__ == "__main__":
    main()
