"""ONNX Runtime for programs that are not Python: its library, C++ headers and Java binding."""

import importlib.util
import subprocess
from pathlib import Path

from tests.support.harness import DEADLINE, ROOT
from tests.support.missing import missing

PARTS = ROOT / ".venv-onnxruntime"
ANDROID = Path(__file__).with_name("android_libraries.c")
NAMES = ("libc.so", "libdl.so", "libm.so", "libonnxruntime.so")
VERSIONS = "LIBC {}; VERS_1.29.0 {};"


def part(name: str) -> Path:
    """A part of ONNX Runtime that scripts/onnxruntime extracts."""
    path = PARTS / name
    if not path.exists():
        missing(f"no .venv-onnxruntime/{name}: `scripts/onnxruntime` downloads it")
    return path


def library() -> Path:
    """The shared library in the Python package."""
    package = importlib.util.find_spec("onnxruntime")
    assert package is not None
    assert package.origin is not None
    (found,) = (Path(package.origin).parent / "capi").glob("libonnxruntime.so.*")
    return found


def java_binding(folder: Path) -> list[str]:
    """The options of `java` for ONNX Runtime's binding. Its native part is that of Android.

    folder: an empty one, for the native part and the libraries that it takes for Android's.
    """
    native = part("jni/x86_64/libonnxruntime4j_jni.so")
    (folder / native.name).symlink_to(native)
    (folder / "versions").write_text(VERSIONS)
    versions = f"-Wl,--version-script={folder / 'versions'}"
    options = ["-shared", "-fPIC", "-fno-builtin", f'-DLIBRARY="{library()}"', versions]
    subprocess.run(
        ["gcc", *options, ANDROID, "-o", folder / NAMES[0]], check=True, timeout=DEADLINE
    )
    for name in NAMES[1:]:
        (folder / name).symlink_to(NAMES[0])
    return [f"-Donnxruntime.native.path={folder}", "-XX:TieredStopAtLevel=1"]
