#!/usr/bin/env python3
"""Checks every relative link of the Markdown pages: the file is there, and so is the heading after a #.

    scripts/test/links.py            all pages that git knows, or would add; all pages of an unpacked archive
    scripts/test/links.py PAGE...    these

Links to the network are not followed. Each broken link is named on a line of its own, and the program then ends with 1.
"""
import os
import re
import subprocess
import sys
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Text in code is not a link: fences of three or more marks, then spans of backticks.
FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,}).*?^[ ]{0,3}\1[`~]*[ \t]*$", re.M | re.S)
SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)\1(?!`)", re.S)
INLINE = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\]|!\[[^\]]*\]\([^)]*\))*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
# A picture inside a link's text.
PICTURE = re.compile(r"\[!\[[^\]]*\]\(([^)\s]+)\)")
DEFINED = re.compile(r"^[ ]{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)", re.M)
HTML = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"", re.I)


def pages():
    if not os.path.exists(os.path.join(ROOT, ".git")):
        # An archive, and what was built in it.
        built = ("build", "target", "node_modules")
        found = []
        for folder, inner, files in os.walk(ROOT):
            inner[:] = [name for name in inner if name not in built and not name.startswith(".")]
            found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in files if name.endswith(".md")]
        return sorted(found)
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and os.path.exists(os.path.join(ROOT, name))]


def without_code(text):
    """Returns the page with its code blanked, so that lines keep their numbers."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    return FENCE.sub(blank, text)


def links(text):
    """Returns each target with its line. Code spans hide links, but a link's text may be a code span."""
    plain = without_code(text)
    # Inside spans only brackets could look like a link.
    plain = SPAN.sub(lambda match: re.sub(r"[\[\]()<>]", " ", match.group(0)), plain)
    for pattern in (INLINE, DEFINED, HTML):
        for match in pattern.finditer(plain):
            yield match.group(1), plain.count("\n", 0, match.start(1)) + 1
    for match in PICTURE.finditer(plain):
        yield match.group(1), plain.count("\n", 0, match.start(1)) + 1


def anchors(text):
    """Returns the names of a page's headings, as GitHub and mdBook make them. Two equal names get numbers."""
    names = set(re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", text))
    seen = {}
    for heading in re.findall(r"^[ ]{0,3}#{1,6}[ \t]+(.+?)[ \t]*#*$", without_code(text), re.M):
        heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = seen.get(name, 0)
        seen[name] = count + 1
        names.add(f"{name}-{count}" if count else name)
    return names


def problem(page, target):
    """Returns why a link is broken, or None."""
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", target):
        return None
    file, _, anchor = target.partition("#")
    file = urllib.parse.unquote(file)
    place = os.path.normpath(os.path.join(ROOT, os.path.dirname(page), file)) if file else os.path.join(ROOT, page)
    if os.path.relpath(place, ROOT).startswith(".."):
        return "leaves the repository"
    if not os.path.exists(place):
        return "no such file"
    if anchor and place.endswith(".md"):
        with open(place, encoding="utf-8") as text:
            if urllib.parse.unquote(anchor) not in anchors(text.read()):
                return "no such heading"
    return None


def main():
    chosen = [os.path.relpath(os.path.abspath(name), ROOT) for name in sys.argv[1:]] or pages()
    broken = count = 0
    for page in chosen:
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            text = file.read()
        for target, line in links(text):
            count += 1
            why = problem(page, target)
            if why:
                broken += 1
                print(f"{page}:{line}: {target}: {why}")
    print(f"{count} links on {len(chosen)} pages, {broken} broken")
    # If a pattern finds nothing, the check would be worthless.
    return 1 if broken or count == 0 else 0


sys.exit(main())
