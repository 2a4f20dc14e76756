"""The records as files for other programs."""

from __future__ import annotations

import json
from pathlib import Path

from harness.files import replacing
from harness.store import open_store


def export_records(directory: Path, format: str, output: Path | None = None) -> Path:
    """Write the folder's records as csv or parquet (the tidy frame) or jsonl (whole records); returns the path.

    Raises UserError where the records cannot be read or the file cannot be written.
    """
    from harness.results import load_records

    path = output or directory / f"records.{format}"
    if format == "jsonl":
        with open_store(directory) as store, replacing(path) as file:
            file.writelines(f"{json.dumps(record)}\n".encode() for record in store.records())
        return path
    frame = load_records(directory)
    with replacing(path) as file:
        if format == "csv":
            frame.to_csv(file, index=False)
        else:
            frame.to_parquet(file, index=False)
    return path
