#!/usr/bin/env python3
"""Checks a static library for a phone or a Mac: check.py TARGET ARCHIVE FOLDER.

Every object is of the target's format, processor and system. Of our names, exactly those of tests/symbols.txt are
defined. Undefined names are listed in bionic.txt or libsystem.txt beside this file. LLD links the whole archive into a
shared library of the C interface, with stubs of only those names.
"""

import os
import subprocess
import sys
from pathlib import Path

import objects

HERE = Path(__file__).resolve().parent
EMULATION = {"aarch64": "aarch64linux", "armv7": "armelf_linux_eabi", "x86_64": "elf_x86_64"}


def rust_lld() -> Path:
    """Returns the linker that comes with the compiler, because a distribution's may be older than the objects."""
    say = ["rustc", "--print", "sysroot"], ["rustc", "--print", "host-tuple"]
    root, host = (subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() for command in say)
    return Path(root) / "lib/rustlib" / host / "bin/rust-lld"


def apple(target: str) -> str:
    """Returns the name of Apple's system in a target."""
    return "macos" if target.endswith("-darwin") else "ios-simulator" if target.endswith("-sim") else "ios"


def provided(target: str) -> dict:
    """Returns names and the libraries that have them, from lines `name library`. A third column names the processors
    or systems if not all need or have the name."""
    listed = HERE / ("libsystem.txt" if "apple" in target else "bionic.txt")
    lines = (line.split() for line in listed.read_text().splitlines() if line and not line.startswith("#"))
    here = {target.split("-")[0], apple(target) if "apple" in target else "android"}
    return {line[0]: line[1] for line in lines if len(line) == 2 or here & set(line[2].split(","))}


def link(target: str, archive: Path, folder: Path, names: set, exported: list) -> None:
    """Links as the system's linker does: each member is taken, and a name that is nowhere is an error."""
    out = folder / f"{target}.linked"
    if "apple" in target:
        # The first simulator on Apple's processors came with iOS 14.
        system, least, sdk = {"ios": ("ios", "13.0", "17.0"), "ios-simulator": ("ios-simulator", "14.0", "17.0"), "macos": ("macos", "11.0", "14.0")}[apple(target)]
        stub = folder / "libSystem.tbd"
        # The linker itself asks for the last one.
        symbols = ", ".join([f'"_{name}"' for name in sorted(names)] + ["dyld_stub_binder"])
        stub.write_text(
            f"--- !tapi-tbd\ntbd-version: 4\ntargets: [ arm64-{system} ]\ninstall-name: /usr/lib/libSystem.B.dylib\n"
            f"exports:\n  - targets: [ arm64-{system} ]\n    symbols: [ {symbols} ]\n...\n"
        )
        list_of_exports = folder / "exports.txt"
        list_of_exports.write_text("".join(f"_{name}\n" for name in exported))
        flavor = ["-flavor", "ld64.lld", "-dylib", "-arch", "arm64", "-platform_version", system, least, sdk, "-exported_symbols_list", list_of_exports]
        rest = ["-all_load", archive, stub]
    else:
        emulation = ["-flavor", "gnu", "-m", EMULATION[target.split("-")[0]], "-shared"]
        stub = folder / "stub.so"
        source = "".join(f".globl {name}\n{name}:\n" for name in sorted(names))
        subprocess.run(["clang", f"--target={target}24", "-c", "-x", "assembler", "-", "-o", folder / "stub.o"], input=source, check=True, text=True)
        subprocess.run([rust_lld(), *emulation, folder / "stub.o", "-o", stub], check=True)
        script = folder / "exports.map"
        script.write_text("{ global: " + "".join(f"{name}; " for name in exported) + "local: *; };\n")
        flavor = [*emulation, "--no-undefined", "-z", "max-page-size=16384", f"--version-script={script}"]
        rest = ["--whole-archive", archive, "--no-whole-archive", stub]
    subprocess.run([rust_lld(), *flavor, *rest, "-o", out], check=True)
    out.unlink()


def main() -> None:
    target, archive, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    kind = target.split("-")[0]
    if "apple" in target:
        kind = apple(target)
    defined, undefined, count = set(), set(), 0
    for name, member in objects.read(archive.read_bytes()):
        # Rust's own objects name the system. Of assembly's objects only the processor is known.
        expected = {kind} if ".rcgu." in name else {kind, "any"}
        assert member.kind in expected, f"{name} is for {member.kind}, not for {kind}"
        defined |= member.defined
        undefined |= member.undefined
        count += 1
    exported = (HERE.parents[2] / "tests/symbols.txt").read_text().split()
    ours = {name for name in defined if name.startswith("face_predict")}
    assert ours == set(exported), f"other names than in tests/symbols.txt: {sorted(ours ^ set(exported))}"
    needed, known = undefined - defined, provided(target)
    if os.environ.get("LIST"):
        print("\n".join(sorted(needed)))
        return
    unknown = sorted(needed - set(known))
    assert not unknown, f"no library of the system is known to have {' '.join(unknown)}"
    link(target, archive, folder, needed, exported)
    libraries = ", ".join(sorted({known[name] for name in needed}))
    print(f"{target}: {count} objects, {len(exported)} names exported, {len(needed)} needed, of {libraries}; LLD links all of it")


main()
