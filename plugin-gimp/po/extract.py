#!/usr/bin/env python3
"""Writes impasto-gimp.pot, the list of all texts of the filter, from the sources. With --check it changes
nothing and fails where the list, or a translation, is not up to date."""

import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(HERE, "..", "src")
LITERAL = r'"((?:[^"\\]|\\.|\\\n)*)"'


def texts():
    """Each text with the files it is in, in order."""
    found = {}
    for folder, _, names in sorted(os.walk(SOURCES)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as file:
                source = file.read().split("#[cfg(test)]")[0]
            places = [(m.start(), m.group(1)) for m in re.finditer(r"\b(?:tr|fill)\(\s*" + LITERAL, source)]
            # The arguments have helpers that translate: they take name, nick, blurb.
            for m in re.finditer(rf"\b(?:choose|choose_for|number|tuned|count)\(\s*{LITERAL},\s*{LITERAL},\s*{LITERAL}", source):
                places += [(m.start(), m.group(2)), (m.start() + 1, m.group(3))]
            if name == "arguments.rs":
                places += [(m.start(), m.group(2)) for m in re.finditer(rf"\({LITERAL}, {LITERAL}\)", source)]
            if name == "parameters.json":
                styles = json.loads(source)["properties"]["style"]["oneOf"]
                places += [(n, style["title"]) for n, style in enumerate(styles) if "title" in style]
            for _, text in sorted(places):
                text = re.sub(r"\\\n\s*", "", text)
                found.setdefault(text, []).append(os.path.relpath(path, os.path.join(HERE, "..")))
    return found


def template():
    out = ['# Texts of Impasto\'s filter for GIMP.\nmsgid ""\nmsgstr ""\n"Project-Id-Version: impasto-gimp\\n"\n'
           '"Content-Type: text/plain; charset=UTF-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n']
    for text, files in texts().items():
        out.append(f'#: {" ".join(dict.fromkeys(files))}\nmsgid "{text}"\nmsgstr ""\n')
    return "\n".join(out)


def translated(path):
    """The texts that a catalogue translates; each is on one line."""
    with open(path, encoding="utf-8") as file:
        pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', file.read(), re.MULTILINE)
    return dict(pairs)


def main():
    path = os.path.join(HERE, "impasto-gimp.pot")
    if "--check" not in sys.argv:
        with open(path, "w", encoding="utf-8") as file:
            file.write(template())
        return
    with open(path, encoding="utf-8") as file:
        if file.read() != template():
            sys.exit("plugin-gimp/po/impasto-gimp.pot is stale: run plugin-gimp/po/extract.py")
    for name in sorted(os.listdir(HERE)):
        if name.endswith(".po"):
            catalogue = translated(os.path.join(HERE, name))
            problems = [t for t in texts() if not catalogue.get(t)]
            problems += [t for t in catalogue if t not in texts()]
            places = [t for t, to in catalogue.items() if set(re.findall(r"{\w+}", t)) != set(re.findall(r"{\w+}", to))]
            if problems or places:
                sys.exit(f"plugin-gimp/po/{name}: missing or superfluous: {problems}; other places: {places}")


main()
