"""One trial as a plain script has it: an interpreter of its own, TensorFlow imported anew, all cores.

python -m tests.benchmarks.plain SPEC    # the trial's spec as JSON; prints what was measured, as JSON
"""

from __future__ import annotations

import json
import sys
from typing import Any

from harness.spec.trial import TrialSpec
from harness.trial.measure import Meter
from harness.trial.quiet import quiet_stderr


def main() -> None:
    meter = Meter()
    told: dict[str, Any] = {}
    with quiet_stderr():
        from harness.trial.train import train

        train(TrialSpec.model_validate_json(sys.argv[1]), meter, told.update)
    seconds = {name: phase.wall_seconds for name, phase in meter.phases.items()}
    print(json.dumps({"seconds": seconds, "test": told["test"]}))


if __name__ == "__main__":
    main()
