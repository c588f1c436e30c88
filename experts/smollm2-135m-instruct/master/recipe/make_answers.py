#!/usr/bin/env python3
"""Makes reference answers for `skein eval answers` from the held-out documents that deploy/fetch-texts.sh rebuilds.

    make_answers.py --texts texts --out answers.jsonl [--per-node 48]

A question about one passage, and the passage: the page of a manual, the gloss of a word, the verses after a verse, the body of a
function. No expert was trained on these documents. The same seed and texts give the same bytes.
"""

import argparse
import json
import pathlib
import random
import re

LENGTH = 500


def held(texts, name):
    with open(texts / f"{name}.jsonl", encoding="utf-8") as lines:
        return [d["text"] for d in map(json.loads, lines) if d["split"] == "held"]


def cut(text):
    return text[:LENGTH].strip()


def page(question, heading):
    """Of a manual page: passages of what its description says, each asked for by the words before it."""
    def pairs(document, _):
        name = re.match(r"(\S+?)\((\d\w*)\)", document)
        body = re.search(rf"^(?:{heading})\n(.+)", document, re.M | re.S)
        text = re.sub(r"\n +", "\n", body[1]) if name and body else ""
        for start in range(0, len(text) - LENGTH, LENGTH + 100):
            before = " ".join(text[start:start + 100].split())
            yield question.format(name=f"{name[1].lower()}({name[2]})", before=before), cut(text[start + 100:])
    return pairs


def gloss(document, chance):
    entries = re.findall(r"^(.+?) \((\w+)\): (.+)$", document, re.M)
    for lemma, part, text in chance.sample(entries, min(4, len(entries))):
        yield f'What does "{lemma}" mean?', f"{lemma} ({part}): {text}"


def verses(document, _):
    lines = re.findall(r"^(\w+?)(\d+:\d+) (.+)$", document, re.M)
    for at in range(0, len(lines) - 5, 6):
        rest = "\n".join(f"{book}{place} {text}" for book, place, text in lines[at + 1:at + 6])
        yield f"{lines[at][2]} How does it go on?", cut(rest)


def bodies(pattern, question):
    def pairs(document, chance):
        found = [m for m in re.finditer(pattern, document, re.M) if len(document) - m.start() > 200]
        for match in chance.sample(found, min(10, len(found))):
            yield question.format(name=match[1]), cut(document[match.start():])
    return pairs


SOURCES = {
    "french": ("french", page("Que dit {name} après « {before} » ?", "DESCRIPTION")),
    "german": ("german", page("Was sagt {name} nach „{before}“?", "BESCHREIBUNG")),
    "spanish": ("spanish", page("¿Qué dice {name} después de «{before}»?", "DESCRIPCI[ÓO]N")),
    "manual": ("manual", page("What does {name} say after \"{before}\"?", "DESCRIPTION")),
    "glossary": ("glossary", gloss),
    "scripture": ("scripture", verses),
    "python": ("python", bodies(r"^ *def (\w+)\(", "Show me a Python function {name}.")),
    "swift": ("swift", bodies(r"^ *(?:public |internal )*func (\w+)\(", "Show me a Swift function {name}.")),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=pathlib.Path, default=pathlib.Path("texts"))
    parser.add_argument("--out", default="answers.jsonl")
    parser.add_argument("--per-node", type=int, default=48)
    parser.add_argument("--seed", type=int, default=20261128)
    options = parser.parse_args()
    with open(options.out, "w", encoding="utf-8") as out:
        for node, (name, pairs) in SOURCES.items():
            chance = random.Random(f"{options.seed} {node}")
            documents = held(options.texts, name)
            chance.shuffle(documents)
            found = [pair for document in documents for pair in pairs(document, chance)]
            for query, answer in found[:options.per_node]:
                out.write(json.dumps({"node": node, "query": query, "answer": answer}, ensure_ascii=False) + "\n")
            print(f"{node:10} {len(documents):4} held documents, {min(len(found), options.per_node)} answers")


if __name__ == "__main__":
    main()
