"""Experiments whose truth is known: records with a chosen difference, spread, correlation, shape, ties and failures."""

from __future__ import annotations

from typing import Any


def simulated_record(
    cell: str,
    seed: int,
    loss: float,
    *,
    task: str = "language",
    status: str = "ok",
    accuracy: float = 0.5,
    curve: list[tuple[int, float]] | None = None,
    machine: str = "simulated",
    seconds_per_update: float = 0.01,
    recurrent_parameters: int | None = None,
    baselines: dict[str, dict[str, float]] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A record in its JSON form; `spec` replaces fields of the spec, `curve` lists (update, validation loss)."""
    from harness.experiment import TrialSpec

    complete = TrialSpec.model_construct(
        **{
            "task": task,
            "options": {},
            "data": {"procedure": "simulated"},
            "code": "simulated",
            "cell": cell,
            "kernel": "keras",
            "lane": "accuracy",
            "units": 32,
            "layers": 1,
            "dense_units": (),
            "matched": "units",
            "train_size": 1000,
            "sequence_length": 25,
            "learning_rate": 3e-3,
            "batch_size": 32,
            "updates": 100,
            "evaluate_every": 10,
            "patience": None,
            "dropout": 0.0,
            "recurrent_dropout": 0.0,
            "clip_norm": 1.0,
            "seed": seed,
            **spec,
        }
    )
    ok = status == "ok"
    phase = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "memory_peak_bytes": 2_000_000}
    return {
        "trial_id": complete.id(),
        "attempt": 1,
        "spec": complete.model_dump(mode="json"),
        "status": status,
        "started_at": "2026-01-01T00:00:00+00:00",
        "machine": {"fingerprint": machine},
        "threads": 1,
        "git_commit": None,
        "git_dirty": None,
        "parameters": 10_000,
        "recurrent_parameters": recurrent_parameters,
        "phases": {"train": phase, "evaluate": phase},
        "seconds_total": 2.0,
        "updates": 100,
        "seconds_per_update": seconds_per_update,
        "memory": {"baseline_bytes": 1_000_000, "peak_bytes": 2_000_000, "method": "simulated"},
        "curve": [
            {"update": update, "seconds": update * seconds_per_update, "train_loss": value, "validation_loss": value}
            for update, value in curve or []
        ],
        "train": {"loss": loss} if ok else {},
        "validation": {"loss": loss} if ok else {},
        "test": {"loss": loss, "accuracy": accuracy} if ok else {},
        "baselines": baselines or {},
        "failure": None if ok else {"phase": "train", "message": "simulated", "stderr": "", "exit_code": None},
    }
