"""Connectors outside this repository, as if they were installed beside it."""

import os
from pathlib import Path


def environment_with(site: Path, connectors: dict[str, Path]) -> dict[str, str]:
    """An environment in which these packages, by name and project folder, are found.

    Each gets what an installation would leave: a folder of metadata with its entry point.
    """
    for name in connectors:
        metadata = site / f"ledgerway_{name}-0.1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: ledgerway-{name}\nVersion: 0.1.0\n"
        )
        (metadata / "entry_points.txt").write_text(
            f"[ledgerway.connectors]\n{name} = {name}:SYSTEM\n"
        )
    paths = [site, *connectors.values()]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
