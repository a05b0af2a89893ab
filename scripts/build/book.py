#!/usr/bin/env python3
"""Builds the site of the documents with mdBook: build/book/index.html. `make book` installs mdBook and calls this.

    scripts/build/book.py [MDBOOK]     MDBOOK: the program (build/tools/bin/mdbook, else the one on the path)

The pages keep their places relative to each other. So they are copied with their folders, with each file that they link
to. The pages of C and Python get their reference here, from the header and from the docstrings. Then it checks every
link of the site. A broken one ends the program with 1.
"""
import ast
import html.parser
import os
import re
import shutil
import subprocess
import sys
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = os.path.join(ROOT, "build", "book-pages")
SITE = os.path.join(ROOT, "build", "book")
LINK = re.compile(r"(\]\(\s*)([^)\s#]+)((?:#[^)\s]*)?\s*\))")
PACKAGE = os.path.join(ROOT, "bindings", "python", "src", "face_predict")


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def write(text, *parts):
    path = os.path.join(PAGES, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def header():
    """Returns the whole header, as a part of the page about C."""
    return f"\n## The header\n\n```c\n{read('include', 'face_predict.h')}```\n"


def signature(function):
    """Returns a function as one writes it, without self."""
    arguments = ast.unparse(function.args)
    arguments = re.sub(r"^self(, )?", "", arguments)
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"{function.name}({arguments}){returns}"


def text_of(node):
    return (ast.get_docstring(node) or "").strip()


def fields(body):
    """Returns the fields of a class, each with the docstring below it."""
    for field, after in zip(body, [*body[1:], None]):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and not field.target.id.startswith("_"):
            told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
            said = " ".join(after.value.value.split()) if told else ""
            yield f"- `{field.target.id}: {ast.unparse(field.annotation)}` {said}".rstrip()


def python():
    """Returns what the package exports, read from its source without importing it."""
    definitions, parts = {}, []
    exports = [node for node in ast.parse(read(PACKAGE, "__init__.py")).body if isinstance(node, ast.ImportFrom)]
    for export in exports:
        names = {alias.name for alias in export.names}
        for node in ast.parse(read(PACKAGE, f"{export.module}.py")).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name in names:
                definitions[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in names:
                definitions[node.targets[0].id] = node
    # The most important names come first.
    first = ["Model", "Tracker", "Prediction", "Face"]
    for name in [*first, *sorted(set(definitions) - set(first))]:
        node = definitions[name]
        if isinstance(node, ast.Assign):
            parts.append(f"## {name}\n\n```python\n{ast.unparse(node)}\n```\n")
            continue
        if isinstance(node, ast.FunctionDef):
            parts.append(f"## {name}\n\n```python\n{signature(node)}\n```\n\n{text_of(node)}\n")
            continue
        parts.append(f"## {name}\n\n{text_of(node)}\n")
        parts += ["\n".join(fields(node.body)) + "\n"]
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and (not method.name.startswith("_") or method.name == "__init__") and text_of(method):
                shown = signature(method).replace("__init__", name).removesuffix(" -> None")
                parts.append(f"```python\n{shown}\n```\n\n{text_of(method)}\n")
    return "\n" + "\n".join(part for part in parts if part.strip())


def target(page, link):
    """Returns the file of the repository that a link names. A folder stands for its README."""
    path = os.path.normpath(os.path.join(os.path.dirname(page), urllib.parse.unquote(link)))
    full = os.path.join(ROOT, path)
    if os.path.isdir(full):
        path = os.path.join(path, "README.md")
    return path if os.path.isfile(os.path.join(ROOT, path)) else None


def stage():
    """Copies the pages of the summary, those that they link to, and the files that they show."""
    shutil.rmtree(PAGES, ignore_errors=True)
    summary = read("docs", "SUMMARY.md")
    waiting = [os.path.normpath(os.path.join("docs", link)) for _, link, _ in LINK.findall(summary)]
    listed, done, others = set(waiting), set(), []
    while waiting:
        page = waiting.pop()
        if page in done:
            continue
        done.add(page)
        if not page.endswith(".md"):
            path = os.path.join(PAGES, page)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(os.path.join(ROOT, page), path)
            continue
        if page not in listed:
            others.append(page)

        def relink(match, page=page):
            if re.match(r"[a-z]+:", match[2]):
                return match[0]
            found = target(page, match[2])
            if not found:
                return match[0]
            waiting.append(found)
            link = os.path.relpath(found, os.path.dirname(page) or ".")
            # mdBook makes index.html of README.md, but leaves links to it as they are.
            return match[1] + re.sub(r"(^|/)README\.md$", r"\1index.md", link) + match[3]

        text = LINK.sub(relink, read(page))
        text += {"docs/reference/c.md": header, "docs/reference/python.md": python}.get(page, str)()
        write(text, page)
    # The summary counts from the top, and names the pages that it does not list.
    summary = LINK.sub(lambda m: m[1] + os.path.normpath(os.path.join("docs", m[2])) + m[3], summary)
    if others:
        titles = {page: re.search(r"^# (.+)$", read(page), re.M) for page in others}
        lines = [f"- [{titles[page][1] if titles[page] else os.path.dirname(page)}]({page})" for page in sorted(others)]
        summary += "\n# Other pages\n\n" + "\n".join(lines) + "\n"
    write(summary, "SUMMARY.md")
    write(read("docs", "book.toml"), "book.toml")
    write(read("docs", "book.css"), "docs", "book.css")


class Links(html.parser.HTMLParser):
    """Links and names of one page."""

    def __init__(self):
        super().__init__()
        self.links, self.names = [], set()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.names.update(given[key] for key in ("id", "name") if given.get(key))
        self.links += [given[key] for key in ("href", "src") if given.get(key)]


def check():
    """Broken links of the site, each with its page."""
    parsed = {}
    for folder, _, names in os.walk(SITE):
        for name in names:
            # toc.html is a frame for browsers without scripts: its links count from the top.
            if name.endswith(".html") and name not in ("toc.html", "print.html", "404.html"):
                path = os.path.join(folder, name)
                parsed[path] = Links()
                with open(path, encoding="utf-8") as file:
                    parsed[path].feed(file.read())
    count, broken = 0, []
    for page, found in parsed.items():
        for link in found.links:
            if re.match(r"[a-z]+:|//", link):
                continue
            count += 1
            file, _, name = link.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(page), urllib.parse.unquote(file.partition("?")[0]))) if file else page
            if os.path.isdir(path):
                path = os.path.join(path, "index.html")
            if not os.path.exists(path) or (name and path in parsed and urllib.parse.unquote(name) not in parsed[path].names):
                broken.append(f"{os.path.relpath(page, SITE)}: {link}")
    return len(parsed), count, broken


def main():
    beside = os.path.join(ROOT, "build", "tools", "bin", "mdbook")
    mdbook = sys.argv[1] if len(sys.argv) > 1 else beside if os.path.exists(beside) else "mdbook"
    stage()
    shutil.rmtree(SITE, ignore_errors=True)
    subprocess.run([mdbook, "build", PAGES], check=True)
    pages, count, broken = check()
    for link in broken:
        print(link)
    print(f"build/book/index.html: {pages} pages, {count} links, {len(broken)} broken")
    return 1 if broken or not count else 0


sys.exit(main())
