"""The house rules that no other tool checks: file sizes, traces of the author's machine, and
whether the import rules name every dependency. Run by `make check`."""

import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 400
AIMED_MEDIAN = 150

#: Written so that no pattern matches its own text. The first is where a checkout or a home lies.
TRACES = {
    "a path of one machine": re.compile(
        r"(?<![\w.:/-])/(?:work|root|home/[\w-]+|Users/[\w-]+)(?=/|\W|$)"
    ),
    "a package registry's host": re.compile(
        r"pypi\.[o]rg|pythonhosted\.[o]rg|registry\.npmjs\.[o]rg|registry\.yarnpkg\.[c]om|deb\.debian\.[o]rg"
    ),
}


def repository_files() -> list[Path]:
    """What git tracks, and what it would track next: everything that is not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout  # fmt: skip
    names = (name for name in listing.decode().split("\0") if name)
    return sorted(path for path in map(ROOT.joinpath, names) if path.is_file())


def oversized(sizes: dict[Path, int]) -> Iterator[str]:
    for path, lines in sizes.items():
        if lines > MAX_LINES:
            yield f"{path.relative_to(ROOT)}: {lines} lines; over {MAX_LINES} is a design question"


def traces(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    if b"\0" in content:
        return
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        for what, pattern in TRACES.items():
            if found := pattern.search(line):
                yield f"{path.relative_to(ROOT)}:{number}: names {what}: {found[0]}"


_IMPORTED_AS = {"protobuf": "google"}


def unruled_dependencies() -> Iterator[str]:
    """A dependency that the import contract of `model` forgets would be allowed there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = [re.split(r"[^\w-]", text)[0] for text in project["project"]["dependencies"]]
    wanted = {_IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}
    for contract in project["tool"]["importlinter"]["contracts"]:
        if contract["id"] in {"model", "risk"}:
            for name in sorted(wanted - {"msgspec"} - set(contract["forbidden_modules"])):
                yield f"pyproject.toml: import contract {contract['id']!r} does not forbid {name}"


def main() -> int:
    files = repository_files()
    sources = [path for path in files if path.suffix == ".py" and ROOT / "src" in path.parents]
    sizes = {path: len(path.read_text().splitlines()) for path in sources}
    median = statistics.median(sizes.values())
    print(f"src: {len(sizes)} files, median {median:g} lines (aim: at most {AIMED_MEDIAN})")
    complaints = [*oversized(sizes), *unruled_dependencies()]
    for path in files:
        complaints += traces(path)
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
