"""The records as files for other programs."""

from __future__ import annotations

import json
from pathlib import Path

from harness.files import replacing, user_path
from harness.store.sqlite import naming_damage, open_store

_REMEDY = "Choose another file with --output FILE"


def export_records(directory: str | Path, format: str, output: str | Path | None = None) -> Path:
    """Write the folder's records as csv or parquet (the tidy frame) or jsonl (whole records); returns the path.

    Raises UserError where the records cannot be read or the file cannot be written.
    """
    from harness.store.frame import load_records  # pandas is imported only where a frame is asked for

    path = user_path(directory) / f"records.{format}" if output is None else user_path(output)
    if format == "jsonl":
        with open_store(directory) as store, replacing(path, _REMEDY) as file:
            file.writelines(f"{json.dumps(record)}\n".encode() for record in store.records())
        return path
    frame = load_records(directory)
    with naming_damage(directory), replacing(path, _REMEDY) as file:
        if format == "csv":
            frame.to_csv(file, index=False)
        else:
            frame.to_parquet(file, index=False)
    return path
