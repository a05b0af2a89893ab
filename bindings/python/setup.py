"""Puts the native library into the wheel.

FACE_PREDICT_LIBRARY names a shared library that was built before. Without it, Cargo builds the library of the
repository around this folder. The wheel fits every Python 3 of its platform: there is no extension module.
FACE_PREDICT_PLATFORM is the platform tag of a library for another system, such as `win_amd64`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # This is for setuptools before 70.1.
    from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLATFORM = os.environ.get("FACE_PREDICT_PLATFORM", "")
SYSTEM = {"win": "win32", "mac": "darwin", "": sys.platform}.get(PLATFORM[:3], "linux")
NAME = {"win32": "face_predict.dll", "darwin": "libface_predict.dylib"}.get(SYSTEM, "libface_predict.so")


def version() -> str:
    """The version is that of Cargo.toml, which is also written beside the library."""
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    if not found:
        raise SystemExit(f"no version in {ROOT / 'Cargo.toml'}")
    return found.group(1)


def library() -> Path:
    given = os.environ.get("FACE_PREDICT_LIBRARY")
    if given:
        if not Path(given).is_file():
            raise SystemExit(f"FACE_PREDICT_LIBRARY is {given}, which is no file")
        return Path(given)
    if not shutil.which("cargo"):
        raise SystemExit("the native library must be built: install Rust (rustup.rs), or set FACE_PREDICT_LIBRARY to a built one")
    command = ["cargo", "build", "--release", "--lib", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in reversed(built.splitlines()):
        for name in json.loads(line).get("filenames", []):
            if Path(name).name == NAME:
                return Path(name)
    raise SystemExit(f"cargo built no {NAME}")


def copy_licences() -> None:
    """Copies the licences into this folder, since a wheel takes them from nowhere else.

    The licences of what the library contains lie in the release folder that `make dist` makes, two folders above the library.
    """
    for old in (*HERE.glob("LICENSE-*"), *HERE.glob("*_LICENCES.*")):
        old.unlink()
    files = [*ROOT.glob("LICENSE-*"), ROOT / "packaging" / "WEIGHTS.md"]
    given = os.environ.get("FACE_PREDICT_LIBRARY")
    if given:
        files += (Path(given).parent.parent / "share" / "doc" / "face_predict").glob("*_LICENCES.*")
    for file in files:
        shutil.copyfile(file, HERE / file.name)


class BuildWithLibrary(build_py):
    def run(self) -> None:
        super().run()
        target = Path(self.build_lib) / "face_predict" / NAME
        shutil.copyfile(library(), target)
        if SYSTEM == sys.platform == "linux" and shutil.which("strip"):
            subprocess.run(["strip", "--strip-unneeded", str(target)], check=False)


class PlatformWheel(bdist_wheel):
    def get_tag(self) -> "tuple[str, str, str]":
        return "py3", "none", PLATFORM or super().get_tag()[2]


class WithLibrary(Distribution):
    def has_ext_modules(self) -> bool:
        return True


copy_licences()
setup(version=version(), distclass=WithLibrary, cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel})
