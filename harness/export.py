"""The records as files for other programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.errors import UserError
from harness.store import open_store


def export_records(directory: Path, format: str, output: Path | None = None) -> Path:
    """Write the folder's records as csv or parquet (the tidy frame) or jsonl (whole records); returns the path.

    Raises UserError where the records cannot be read or the file cannot be written.
    """
    from harness.results import load_records

    path = output or directory / f"records.{format}"
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        if format == "jsonl":
            with open_store(directory) as store, temporary.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(record) + "\n" for record in store.records())
        else:
            frame = load_records(directory)
            if format == "csv":
                frame.to_csv(temporary, index=False)
            else:
                frame.to_parquet(temporary, index=False)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    return path
