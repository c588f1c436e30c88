"""Builds the texts for training, calibrating and evaluating routed experts, from unpacked Debian packages and Swift checkouts.

    python3 build_texts.py PACKAGES OUT [--checkouts FOLDER]…     (deploy/fetch-texts.sh fetches the packages and calls this)
    python3 build_texts.py --trained-from FOLDER                  rewrites trained.json from the train split of FOLDER/*.jsonl

PACKAGES is the folder that `dpkg -x` filled. Writes OUT/DOMAIN.jsonl, one document a line: {"split": "train" | "held", "text": …}.
    french, german, spanish, manual      manual pages at 78 columns, divided words joined, runs of blanks folded, 12,000 characters at most
    scripture                            King James Bible by book, cut every 4,000 characters
    glossary                             WordNet 3.0: `lemma (part of speech): gloss`, 40 to a document
    python                               CPython's standard library, first 10,000 characters of a file
    swift                                Swift packages, without the licence comment, first 9,000 characters of a file
    italian, portuguese, jargon, policy  held only: no shipped expert was trained on them
    chat                                 chat.jsonl beside this file, written for this project; lines also carry "messages", for a chat
                                         template. Its train split is for calibration
    mixed                                held only, made of the held texts: lines also carry "segments", [{"domain", "text"}], whose
                                         texts joined are the text

The split is decided by trained.json: per domain the fingerprints of what the shipped experts saw (documents; for the glossary, entries).
What stands there may only be train; the held split is drawn from everything else, in the order of a hash. So a document that an
expert saw is never evaluated, whatever the versions of the packages; the same packages give the same bytes.
Needs Python 3 and man-db, groff-base, bsdextrautils (col). Nothing here is fetched.
"""

import argparse
import gzip
import hashlib
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HELD_DOCUMENTS, TRAIN_DOCUMENTS = 24, 40
MINIMUM_CHARACTERS = 800
DIGITS = 6


def fingerprint(text: str) -> str:
    """Of the first 300 letters and digits: the same for another line width, hyphenation or a longer cut."""
    head = re.sub(r"[\W_]+", "", text[:2000].casefold())[:300]
    return hashlib.sha256(head.encode()).hexdigest()[:DIGITS]


def units(domain: str, text: str) -> list[str]:
    return text.split("\n") if domain == "glossary" else [text]


class Trained:
    def __init__(self):
        table = json.loads((HERE / "trained.json").read_text())
        self.seen = {d: {v[i: i + DIGITS] for i in range(0, len(v), DIGITS)} for d, v in table.items()}

    def saw(self, domain: str, text: str) -> bool:
        return fingerprint(text) in self.seen.get(domain, ())

    @staticmethod
    def learn(folder: Path):
        table = {}
        for path in sorted(folder.glob("*.jsonl")):
            documents = [json.loads(line) for line in path.read_text().split("\n") if line]
            found = {fingerprint(u) for d in documents if d["split"] == "train" for u in units(path.stem, d["text"])}
            if found:
                table[path.stem] = "".join(sorted(found))
        (HERE / "trained.json").write_text(json.dumps(table, indent=0) + "\n")


def shuffled(items, key=str):
    """An order that depends on nothing but the items' names."""
    return sorted(items, key=lambda item: hashlib.sha256(key(item).encode()).digest())


def read(path: Path) -> str:
    data = gzip.decompress(path.read_bytes()) if path.suffix in (".gz", ".dz") else path.read_bytes()
    return data.decode("utf-8", errors="replace")


def manual_pages(root: Path, sections: str):
    """Rendered lazily: pages that only name another page are left out."""
    found = [p for p in root.glob(f"man[{sections}]/*.gz") if p.is_file() and not p.is_symlink()]
    environment = os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "78"}
    for path in shuffled(found, key=lambda p: p.name):
        if read(path).startswith(".so "):
            continue
        page = subprocess.run(["man", "-E", "UTF-8", "-l", path], env=environment, capture_output=True)
        plain = subprocess.run(["col", "-bx"], input=page.stdout, env=environment, capture_output=True, check=True)
        text = re.sub(r"‐\n[ \t]*", "", plain.stdout.decode("utf-8", errors="replace"))
        yield re.sub(r"[ \t]+", " ", re.sub(r"[ \t]+\n", "\n", text))[:12_000]


def scripture(packages: Path):
    text = subprocess.run([packages / "usr/bin/bible", "-p", packages / "usr/lib", "-f", "Gen1:1-Rev22:21"], stdin=subprocess.DEVNULL,
                          capture_output=True, check=True).stdout.decode("latin-1")
    books = {}
    for line in text.split("\n"):
        if verse := re.match(r"(\d?[A-Za-z]+)\d+:\d+ ", line):
            books.setdefault(verse[1], []).append(line + "\n")
    for name in books:
        book = "".join(books[name])
        yield from (book[i: i + 4_000] for i in range(0, len(book), 4_000))


def glossary(packages: Path):
    """data.POS: `offset file kind count lemma … | gloss`."""
    for kind, word in (("noun", "noun"), ("verb", "verb"), ("adj", "adj")):
        for line in read(packages / f"usr/share/wordnet/data.{kind}").split("\n"):
            if line and not line.startswith(" "):
                fields, _, gloss = line.partition(" | ")
                lemma = re.sub(r"\(\w+\)$", "", fields.split(" ")[4]).replace("_", " ")
                yield f"{lemma} ({word}): {gloss.strip()}"


def python(packages: Path):
    root = packages / "usr/lib/python3.11"
    return [text for p in sorted(root.rglob("*.py")) if len(text := read(p)[:10_000]) >= 300]


def swift(checkouts: list[Path]):
    for path in sorted(p for c in checkouts for p in c.glob("*/Sources/**/*.swift") if p.is_file()):
        lines = read(path).split("\n")
        first = next((i for i, line in enumerate(lines) if not line.startswith("//")), 0)
        yield "\n".join(lines[first:])[:9_000]


def pieces(text: str):
    return [text[i: i + 5_000] for i in range(0, len(text) - 5_000, 5_000)]


class Builder:
    def __init__(self, out: Path):
        self.out, self.trained, self.held = out, Trained(), {}
        out.mkdir(parents=True, exist_ok=True)

    def write(self, domain: str, documents: list[dict]):
        lines = (json.dumps(d, ensure_ascii=False) + "\n" for d in documents)
        (self.out / f"{domain}.jsonl").write_text("".join(lines))
        held = [d for d in documents if d["split"] == "held"]
        print(f"{domain}: {len(documents) - len(held)} train, {len(held)} held", file=sys.stderr)
        if not held:
            raise SystemExit(f"{domain}: no held document; is its package unpacked?")

    def add(self, domain: str, texts, minimum: int = MINIMUM_CHARACTERS):
        """The first of each split, until both have their number or the texts end. `texts` are in their final order."""
        split = {"train": [], "held": []}
        wants = {"train": TRAIN_DOCUMENTS if domain in self.trained.seen else 0, "held": HELD_DOCUMENTS}
        known = set()
        for text in texts:
            if all(len(split[s]) >= wants[s] for s in split):
                break
            mark = fingerprint(text)
            if len(text) < minimum or mark in known:
                continue
            known.add(mark)
            name = "train" if self.trained.saw(domain, text) else "held"
            if len(split[name]) < wants[name]:
                split[name].append(text)
        self.held[domain] = split["held"]
        self.write(domain, [{"split": s, "text": t} for s in split for t in split[s]])

    def add_glossary(self, entries):
        entries, split = shuffled(entries), {"train": [], "held": []}
        for entry in entries:
            split["train" if self.trained.saw("glossary", entry) else "held"].append(entry)
        counts = {"train": TRAIN_DOCUMENTS, "held": HELD_DOCUMENTS}
        documents = [{"split": s, "text": "\n".join(split[s][40 * i: 40 * i + 40])} for s in split for i in range(counts[s])]
        self.held["glossary"] = [d["text"] for d in documents if d["split"] == "held"]
        self.write("glossary", documents)

    def add_chat(self):
        documents = []
        for number, line in enumerate((HERE / "chat.jsonl").read_text().splitlines()):
            user, assistant = json.loads(line)
            messages = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
            documents.append({"split": "held" if number % 2 else "train", "text": f"{user}\n\n{assistant}\n",
                              "messages": messages})
        self.write("chat", sorted(documents, key=lambda d: d["split"], reverse=True))


class Mixer:
    """Documents whose lines come from several domains: what routing per token is for."""

    def __init__(self, held: dict[str, list[str]]):
        self.held, self.random = held, random.Random("skein mixed texts 1")

    def excerpt(self, domain: str, characters: int) -> str:
        """Running text: neither the end of a document nor a table."""
        while True:
            text = self.candidate(domain, characters)
            solid = [c for c in text if not c.isspace()]
            if len(text) >= characters and sum(c.isalpha() for c in solid) >= 0.7 * len(solid) \
                    and sum(c.isdigit() for c in solid) <= 0.05 * len(solid):
                return text

    def candidate(self, domain: str, characters: int) -> str:
        """Whole lines of a held document, from a random line on."""
        lines = [line for line in self.random.choice(self.held[domain]).split("\n")[8:-2] if line.strip()]
        start = self.random.randrange(max(1, len(lines) - 12))
        taken = []
        while start < len(lines) and sum(map(len, taken)) < characters:
            taken.append(lines[start])
            start += 1
        return "\n".join(taken)[: 2 * characters]

    def paragraphs(self):
        domains = self.random.sample(sorted(self.held), self.random.choice((2, 3)))
        order = [domains[i % len(domains)] for i in range(6)]
        return [{"domain": d, "text": self.excerpt(d, 300) + "\n\n"} for d in order]

    def commented_code(self):
        segments = []
        for _ in range(4):
            comment = "\n".join("# " + line.strip() for line in self.excerpt("french", 120).split("\n"))
            segments += [{"domain": "french", "text": comment + "\n"},
                         {"domain": "python", "text": self.excerpt("python", 220) + "\n"}]
        return segments

    def quoted_scripture(self):
        segments = []
        for number in range(3):
            segments += [{"domain": "python", "text": self.excerpt("python", 220) + f'\n\nVERSES_{number} = """\n'},
                         {"domain": "scripture", "text": self.excerpt("scripture", 260) + "\n"},
                         {"domain": "python", "text": '"""\n\n'}]
        return segments

    def documents(self):
        kinds = [self.paragraphs] * 12 + [self.commented_code] * 6 + [self.quoted_scripture] * 6
        for kind in kinds:
            segments = kind()
            yield {"split": "held", "text": "".join(s["text"] for s in segments), "kind": kind.__name__, "segments": segments}


def build(packages: Path, out: Path, checkouts: list[Path]):
    builder, man = Builder(out), packages / "usr/share/man"
    for domain, folder in (("french", "fr"), ("german", "de"), ("spanish", "es"), ("italian", "it"), ("portuguese", "pt_BR")):
        builder.add(domain, manual_pages(man / folder, "1-8"))
    builder.add("manual", manual_pages(man, "2-8"))
    builder.add("scripture", shuffled(scripture(packages)))
    builder.add_glossary(glossary(packages))
    builder.add("python", shuffled(python(packages)), minimum=300)
    builder.add("jargon", shuffled(pieces(read(packages / "usr/share/dictd/jargon.dict.dz"))))
    builder.add("policy", shuffled(pieces(read(packages / "usr/share/doc/debian-policy/policy.txt.gz"))))
    if checkouts:
        builder.add("swift", shuffled(swift(checkouts)))
    else:
        print("swift: left out; no --checkouts", file=sys.stderr)
    builder.add_chat()
    experts = {d: texts for d, texts in builder.held.items() if d in builder.trained.seen}
    builder.write("mixed", list(Mixer(experts).documents()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="?", type=Path)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--checkouts", nargs="*", type=Path, default=[])
    parser.add_argument("--trained-from", type=Path)
    options = parser.parse_args()
    if options.trained_from:
        return Trained.learn(options.trained_from)
    if not options.out:
        parser.error("PACKAGES and OUT are needed")
    build(options.packages, options.out, options.checkouts)


if __name__ == "__main__":
    main()
