#!/usr/bin/env python3
"""Takes the links to files that a release folder does not hold out of its Markdown pages. Their text stays.

    packaging/release_links.py FOLDER             rewrites the pages
    packaging/release_links.py --check FOLDER     fails if a page has such a link
"""

import argparse
import re
import sys
import urllib.parse
from pathlib import Path

FENCE = re.compile(r"^[ ]{0,3}(```|~~~)")
# A span of code comes first, since brackets in it are no link. A link whose text has such a span begins before it.
PART = re.compile(r"(?P<code>`+).+?(?P=code)|!?\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^)\s]+)\)")


def without_broken(line: str, page: Path) -> str:
    def part(match: "re.Match[str]") -> str:
        target = match["target"]
        if target is None or re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//|#", target):
            return match[0]
        file = urllib.parse.unquote(target.partition("#")[0])
        return match[0] if (page.parent / file).exists() else match["text"]

    return PART.sub(part, line)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    pages = sorted(arguments.folder.rglob("*.md"))
    if not pages:
        print(f"{arguments.folder} holds no page", file=sys.stderr)
        return 1
    wrong = 0
    for page in pages:
        lines, fenced = page.read_text(encoding="utf-8").split("\n"), False
        for number, line in enumerate(lines):
            if FENCE.match(line):
                fenced = not fenced
            elif not fenced and (new := without_broken(line, page)) != line:
                wrong += 1
                lines[number] = new
                if arguments.check:
                    print(f"{page}:{number + 1}: a link to a file that is not there", file=sys.stderr)
        if not arguments.check:
            page.write_text("\n".join(lines), encoding="utf-8")
    return 1 if arguments.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
