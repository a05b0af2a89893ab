"""Reads static libraries of ELF and of Mach-O objects: their members, processors and symbols. The tools of a
distribution are older than the objects."""

import struct
from dataclasses import dataclass, field

# The processor and word size of ELF, and Apple's systems as load commands name them.
ELF = {"aarch64": (183, 64), "armv7": (40, 32), "x86_64": (62, 64)}
PLATFORMS = {"macos": 1, "ios": 2, "ios-simulator": 7}
ARM64 = 0x0100000C
SYMTAB, VERSION_MIN_IPHONEOS, BUILD_VERSION = 0x2, 0x25, 0x32


@dataclass
class Object:
    """One member: its format in words, and the names that it defines and needs."""

    kind: str
    defined: set = field(default_factory=set)
    undefined: set = field(default_factory=set)


def members(archive: bytes):
    """Returns names and contents of an archive in GNU's or BSD's form, without its tables."""
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


def text(table: bytes, at: int) -> str:
    return table[at : table.index(b"\0", at)].decode()


def elf(content: bytes) -> Object:
    """Only global and weak symbols count, because others cannot use the local ones."""
    bits = 64 if content[4] == 2 else 32
    machine = struct.unpack_from("<H", content, 18)[0]
    found = Object(next((name for name, kind in ELF.items() if kind == (machine, bits)), f"ELF of processor {machine}, {bits} bits"))
    if bits == 64:
        (sections,), (entry, count) = struct.unpack_from("<Q", content, 40), struct.unpack_from("<HH", content, 58)
        header, symbol, step = "<IIQQQQIIQQ", "<IBBHQQ", 24
    else:
        (sections,), (entry, count) = struct.unpack_from("<I", content, 32), struct.unpack_from("<HH", content, 46)
        header, symbol, step = "<IIIIIIIIII", "<IIIBBH", 16
    headers = [struct.unpack_from(header, content, sections + i * entry) for i in range(count or 1)]
    # There are more sections than 16 bits can count, so the first header has their number.
    headers += [struct.unpack_from(header, content, sections + i * entry) for i in range(1, 0 if count else headers[0][5])]
    for _, kind, _, _, offset, size, link, *_ in headers:
        if kind != 2:
            continue
        strings = content[headers[link][4] : headers[link][4] + headers[link][5]]
        for at in range(offset + step, offset + size, step):
            values = struct.unpack_from(symbol, content, at)
            name, info, section = (values[0], values[1], values[3]) if bits == 64 else (values[0], values[3], values[5])
            if info >> 4 == 0:
                continue
            if section:
                found.defined.add(text(strings, name))
            elif info >> 4 == 1:
                # Weak symbols do not count. If nothing has the name it is 0, and the program checks that.
                found.undefined.add(text(strings, name))
    return found


def macho(content: bytes) -> Object:
    _, processor, _, _, commands = struct.unpack_from("<5I", content)
    # Assembly may name no system, and the linker accepts it for any.
    found = Object("any" if processor == ARM64 else f"Mach-O of processor {processor:#x}")
    at = 32
    for _ in range(commands):
        command, size, *rest = struct.unpack_from("<6I", content, at)
        if command == BUILD_VERSION and processor == ARM64:
            found.kind = next((name for name, number in PLATFORMS.items() if number == rest[0]), f"Apple's platform {rest[0]}")
        elif command == VERSION_MIN_IPHONEOS and processor == ARM64:
            found.kind = "ios"
        elif command == SYMTAB:
            offset, count, strings, length = rest
            table = content[strings : strings + length]
            for i in range(count):
                name, kind, _, description, value = struct.unpack_from("<IBBHQ", content, offset + 16 * i)
                if kind & 0xE0 or not kind & 1:
                    continue
                # An undefined symbol with a value is a common symbol.
                if kind & 0x0E or value:
                    found.defined.add(text(table, name).removeprefix("_"))
                elif not description & 0x40:
                    found.undefined.add(text(table, name).removeprefix("_"))
        at += size
    return found


def read(archive: bytes):
    """Returns the name and Object of each member that is an object."""
    for name, content in members(archive):
        if content[:4] == b"\x7fELF":
            yield name, elf(content)
        elif content[:4] == b"\xcf\xfa\xed\xfe":
            yield name, macho(content)
        else:
            assert name.endswith(".rmeta") or not content, f"{name} is neither ELF nor Mach-O"
