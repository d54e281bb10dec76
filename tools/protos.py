"""Compiles `src/onefill/contracts/proto` into `src/onefill/contracts/wire`.

`python tools/protos.py` writes it; `--check` fails where it is not what the `.proto` files say. The
types go into a descriptor pool of Onefill's own, and the modules import each other by full name.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "src/onefill/contracts/proto"
WIRE = ROOT / "src/onefill/contracts/wire"
PACKAGE = "onefill.contracts.wire"

_IMPORT = re.compile(r"^from (common|onefill|trading) import (\w+_pb2)\b", re.MULTILINE)
_POOL_IMPORT = "from google.protobuf import descriptor_pool as _descriptor_pool\n"
_POOL_USE = "_descriptor_pool.Default().AddSerializedFile("


def compiled() -> dict[str, str]:
    """Text of every generated file by its path below `wire`."""
    names = [path.relative_to(PROTO).as_posix() for path in sorted(PROTO.rglob("*.proto"))]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        protoc = [sys.executable, "-m", "grpc_tools.protoc"]
        wanted = [f"-I{PROTO}", f"--python_out={made}", f"--pyi_out={made}", *names]
        if subprocess.run([*protoc, *wanted], check=False).returncode:
            sys.exit("protoc refused the .proto files; its words are above")
        texts = {
            path.relative_to(made).as_posix(): _ours(path.name, path.read_text(encoding="utf-8"))
            for path in sorted(made.rglob("*_pb2.py*"))
        }
    folders = {"", *(f"{Path(name).parent.as_posix()}/" for name in texts)}
    note = '"""Generated from `contracts/proto` by `tools/protos.py`: do not edit."""\n'
    return texts | {f"{folder}__init__.py": note for folder in sorted(folders)}


def _ours(name: str, text: str) -> str:
    text = _IMPORT.sub(rf"from {PACKAGE}.\1 import \2", text)
    if name.endswith(".pyi"):
        return text.replace("_Mapping]", "_Mapping[str, object]]")  # mypy --strict asks of what
    if text.count(_POOL_IMPORT) != 1 or text.count(_POOL_USE) != 1:
        sys.exit(f"{name}: protoc writes its pool otherwise now; mend tools/protos.py")
    text = text.replace(_POOL_IMPORT, "from onefill.contracts.pool import POOL as _pool\n")
    return text.replace(_POOL_USE, "_pool.AddSerializedFile(")


def main() -> None:
    """Write the files, or check them."""
    wanted = compiled()
    there = {
        path.relative_to(WIRE).as_posix(): path.read_text(encoding="utf-8")
        for path in WIRE.rglob("*.py*")
        if "__pycache__" not in path.parts
    }
    stale = sorted(name for name in wanted.keys() | there if wanted.get(name) != there.get(name))
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit(f"wire is stale ({', '.join(stale)}): run python {sys.argv[0]}")
        return
    for name in stale:
        path = WIRE / name
        if name not in wanted:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[name], encoding="utf-8")


if __name__ == "__main__":
    main()
