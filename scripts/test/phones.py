#!/usr/bin/env python3
"""Checks a static library for a phone: phones.py TARGET ARCHIVE FOLDER.

Every object is of the target's format and processor (and, for Apple, system), the names of tests/symbols.txt are defined, what is undefined is in
packaging/phones/, and lld links the whole archive into a shared library with stubs of those names.
"""

import struct
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ELF = {"aarch64": 183, "armv7": 40, "x86_64": 62}
EMULATION = {"aarch64": "aarch64linux", "armv7": "armelf_linux_eabi", "x86_64": "elf_x86_64"}
BUILD_VERSION, VERSION_MIN_IPHONEOS = 0x32, 0x25
IOS, SIMULATOR = 2, 7


def members(archive: bytes):
    """Names and contents of an archive in GNU's or BSD's form, without its tables."""
    assert archive.startswith(b"!<arch>\n"), "no archive"
    at, names = 8, b""
    while at + 60 <= len(archive):
        name, size = archive[at : at + 16].rstrip(), int(archive[at + 48 : at + 58])
        content = archive[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
        if name in (b"/", b"/SYM64/"):
            continue
        if name == b"//":
            names = content
            continue
        if name.startswith(b"#1/"):
            length = int(name[3:])
            name, content = content[:length].rstrip(b"\0"), content[length:]
            if name.startswith(b"__.SYMDEF"):
                continue
        elif name.startswith(b"/"):
            start = int(name[1:])
            name = names[start : names.index(b"\n", start)]
        yield name.decode(errors="replace").rstrip("/"), content


def check_elf(name: str, content: bytes, processor: str) -> None:
    assert content[:4] == b"\x7fELF", f"{name} is no ELF file"
    machine = struct.unpack_from("<H", content, 18)[0]
    assert machine == ELF[processor], f"{name} is for processor {machine}"
    assert content[4] == (1 if processor == "armv7" else 2), f"{name} has another word size"


def check_macho(name: str, content: bytes, platform: int) -> None:
    magic, processor, _, _, commands = struct.unpack_from("<5I", content)
    assert magic == 0xFEEDFACF and processor == 0x0100000C, f"{name} is no Mach-O file for arm64"
    at = 32
    for _ in range(commands):
        command, size, value = struct.unpack_from("<3I", content, at)
        if command == BUILD_VERSION:
            assert value == platform, f"{name} is for Apple's platform {value}"
            return
        if command == VERSION_MIN_IPHONEOS:
            assert platform == IOS, f"{name} is for devices"
            return
        at += size
    # Assembly may say no platform, and the linker takes it for any; what rustc compiles does.
    assert ".rcgu." not in name, f"{name} says no platform"


def symbols(archive: Path, option: str) -> set:
    lines = subprocess.run(["llvm-nm", "--just-symbol-name", option, archive], check=True, capture_output=True, text=True).stdout.splitlines()
    return {line for line in lines if line and not line.endswith(":")}


def main() -> None:
    target, archive, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    apple = "apple" in target
    processor = target.split("-")[0]
    count = 0
    for name, content in members(archive.read_bytes()):
        if name.endswith(".rmeta") or not content:
            continue
        if apple:
            check_macho(name, content, SIMULATOR if target.endswith("-sim") else IOS)
        else:
            check_elf(name, content, processor)
        count += 1
    defined = symbols(archive, "--defined-only")
    prefix = "_" if apple else ""
    wanted = {prefix + name for name in (TOP / "tests/symbols.txt").read_text().split()}
    assert wanted <= defined, f"not defined: {sorted(wanted - defined)}"
    ours = {name for name in defined if name.startswith(prefix + "face_predict")}
    assert ours == wanted, f"not in tests/symbols.txt: {sorted(ours - wanted)}"
    undefined = symbols(archive, "--undefined-only") - defined
    listed = TOP / "packaging/phones" / ("libsystem.txt" if apple else "bionic.txt")
    known = {line for line in listed.read_text().splitlines() if line and not line.startswith("#")}
    unknown = {name.removeprefix(prefix) for name in undefined} - known
    assert not unknown, f"{listed.name} lacks {sorted(unknown)}"

    # All members go in, and the linker tells of what it cannot place.
    out = folder / f"{target}.linked"
    if apple:
        stub = folder / "libSystem.tbd"
        names = ", ".join(sorted(undefined))
        system = "ios-simulator" if target.endswith("-sim") else "ios"
        stub.write_text(
            f"--- !tapi-tbd\ntbd-version: 4\ntargets: [ arm64-{system} ]\ninstall-name: /usr/lib/libSystem.B.dylib\n"
            f"exports:\n  - targets: [ arm64-{system} ]\n    symbols: [ {names}, dyld_stub_binder ]\n...\n"
        )
        command = ["ld64.lld", "-dylib", "-arch", "arm64", "-platform_version", system, "13.0", "17.0", "-all_load", archive, stub, "-o", out]
    else:
        stub = folder / "stub.so"
        source = "".join(f".globl {name}\n{name}:\n" for name in sorted(undefined))
        subprocess.run(["clang", "-target", target, "-c", "-x", "assembler", "-", "-o", folder / "stub.o"], input=source, check=True, text=True)
        emulation = ["-m", EMULATION[processor], "-shared"]
        subprocess.run(["ld.lld", *emulation, folder / "stub.o", "-o", stub], check=True)
        command = ["ld.lld", *emulation, "--no-undefined", "--whole-archive", archive, "--no-whole-archive", stub, "-o", out]
    subprocess.run(command, check=True)
    print(f"{target}: {count} objects, {len(wanted)} names exported, {len(undefined)} of the system's needed; lld links all of it")
    out.unlink()


main()
