#!/usr/bin/env python3
"""Makes a master's training queries: hand-written templates, filled from the texts that deploy/fetch-texts.sh rebuilds.

    make_queries.py --texts texts --out master.jsonl

Writes JSON lines {"split", "token", "query", "rewrite"}; "rewrite" is the query as it was before it was worn (case, typing
errors, courtesies), which is what a node would like to read. Split "held" has whole hand-written lines of which no
"train" line was made: a temperature is fitted on them. Queries too like a held-out one are dropped and counted.
The same seed and texts give the same bytes.
"""

import argparse
import json
import pathlib
import random
import re
import sys

HERE = pathlib.Path(__file__).parent
NODES = ["python", "swift", "french", "german", "spanish", "scripture", "glossary", "manual", "math", "general", "unsafe",
         "unanswerable"]
REFUSALS = {"unsafe", "unanswerable"}
LANGUAGES = {"french", "german", "spanish"}
SMALL_WORDS = {
    "french": set("le la les des est dans pour une que qui ce cette avec sur par ne pas il du".split()),
    "german": set("der die das ist nicht und ein eine wird werden mit auf den dem von zu für es sie".split()),
    "spanish": set("el la los las es en para una que se con por del no un este esta al como".split()),
}
FIT_SHARE = 0.12
# Of a node's training queries at most this share comes of lines without slots.
PLAIN_SHARE = 0.55
COURTESIES = ["please ", "hey, ", "can you tell me: ", "quick question: ", "hi, ", "I was wondering, ", "ok so ", "um, ",
              "help: ", "question - ", "tell me, "]
SCENES = ["I'm stuck. ", "My colleague asked me this: ", "So I have a question. ", "For school: ", "Sorry if this is a silly question, but ",
          "I've been thinking about this for a while. ", "Someone just asked me: ", "This may be simple: ", "Good evening! ",
          "Be brief. ", "No idea where to start. ", "I'm new to this. ", "It's for a friend: ", "My question is this: "]
THANKS = [" thanks", " please", " pls", " (short answer please)", ", thank you", " - any idea?", " asap"]


def documents(texts, name):
    """The train split of one set of texts; held-out documents fill no template."""
    with open(texts / f"{name}.jsonl", encoding="utf-8") as lines:
        return [d["text"] for d in map(json.loads, lines) if d["split"] == "train"]


def short(lines, low, high):
    return sorted({line.strip() for line in lines if low <= len(line.strip()) <= high})


def gloss_entries(texts):
    found = []
    for document in documents(texts, "glossary"):
        for lemma, part, gloss in re.findall(r"^(.+?) \((\w+)\): (.+)$", document, re.M):
            if re.fullmatch(r"[a-z]{4,14}", lemma):
                found.append((lemma, part, re.split(r"[;(]", gloss)[0].strip()))
    return found


def pages(texts):
    """(page(section), purpose) of manual pages in English."""
    found = []
    for document in documents(texts, "manual"):
        match = re.search(r"^NAME\n\s+(.+?) - (.+)$", document, re.M)
        head = re.match(r"\S+\((\d)\w*\)", document)
        if match and head:
            name = match[1].split(",")[0].strip()
            if re.fullmatch(r"[\w.\-]+", name):
                found.append((f"{name}({head[1]})", match[2].strip().rstrip(".")))
    return found


def prose(texts, name):
    """Sentences of 25 to 80 characters with two of the language's small words: some pages are not translated."""
    lines = []
    for document in documents(texts, name):
        joined = re.sub(r"\n ", " ", document)
        lines += re.findall(r"(?:(?<=\. )|(?<=\n))([A-ZÉÀÜÄÖ¿][^\n.:;<>\[\]{}|=/\\]{25,80}\.)", joined)
    small = SMALL_WORDS[name]
    return short((line for line in lines if len(small & set(words_of(line))) >= 2), 25, 80)


def code_lines(texts, name, pattern):
    """Lines of code of 18 to 70 characters that `pattern` finds, without their indentation."""
    lines = (line.strip() for document in documents(texts, name) for line in document.splitlines())
    return short((line for line in lines if re.search(pattern, line) and "{" not in line[:1]), 18, 70)


def synopses(texts):
    """C prototypes of manual pages, on one line each."""
    found = []
    for document in documents(texts, "manual"):
        found += re.findall(r"^ ((?:int|void|char|ssize_t|size_t|FILE|pid_t|long|double|off_t) \*?\w+\([^()]*\);)$", document, re.M)
    return short(found, 18, 90)


PYTHON_LINE = (r"^(def \w+\(.*\):|for \w+ in .*:|if .*:|elif .*:|while .*:|with .*:|return .*|raise \w+.*|from \w+ import \w+.*|"
               r"class \w+.*:|except .*:|assert .*|self\.\w+ = .*|\w+ = \[.* for .*\]|print\(.*\)|try:|lambda .*)$")
SWIFT_LINE = (r"^((public |private |internal |fileprivate |static |mutating |@\w+ )*(func|let|var|struct|class|enum|extension|protocol|init|"
              r"case|typealias|subscript)\b.*|guard .*else.*|if let .*|for .* in .*\{|switch .*\{|return .*|defer .*|try .*|#expect.*|"
              r"XCTAssert\w*\(.*\))$")


def material(texts):
    """What fills the slots that templates share; each a sorted list."""
    entries, manual = gloss_entries(texts), pages(texts)
    code = "\n".join(documents(texts, "python"))
    swift = "\n".join(documents(texts, "swift"))
    verses = re.findall(r"^\w+:\d+ (.+)$", "\n".join(documents(texts, "scripture")), re.M)
    by_part = lambda part: sorted({lemma for lemma, p, _ in entries if p.startswith(part)})
    glosses = lambda part: short([g for _, p, g in entries if p.startswith(part)], 12, 60)
    modules = sorted(set(re.findall(r"^import (\w+)$", code, re.M)))
    functions = sorted(set(re.findall(r"^def ([a-z]\w{3,18})\(", code, re.M)))
    return {
        "word": sorted({lemma for lemma, _, _ in entries}), "noun": by_part("noun"), "adj": by_part("adj"),
        "verb": by_part("verb"), "gloss": glosses("noun"), "adjgloss": glosses("adj"), "verbgloss": glosses("verb"),
        "page": sorted({page for page, _ in manual}), "purpose": short([p for _, p in manual], 8, 60),
        "pyline": code_lines(texts, "python", PYTHON_LINE), "swiftline": code_lines(texts, "swift", SWIFT_LINE),
        "synopsis": synopses(texts),
        "pymodule": modules, "pydef": functions,
        "pyname": sorted({f"{m}.{f}" for m, f in re.findall(r"\b(\w{3,12})\.([a-z]\w{3,16})\(", code) if m in modules}),
        "swiftname": sorted(set(re.findall(r"\b(?:struct|class|protocol|enum|actor) ([A-Z]\w{4,24})", swift))),
        "swiftfunc": sorted(set(re.findall(r"\bfunc ([a-z]\w{4,20})\(", swift))),
        "verse": short([re.split(r"[;:]", v)[0].strip(" ,.") for v in verses], 25, 90),
        "frline": prose(texts, "french"), "deline": prose(texts, "german"), "esline": prose(texts, "spanish"),
        "command": "ls cp mv rm find grep sed awk tar ssh chmod chown ps kill cut sort tail mount df du ln curl wget cron "
                   "systemctl xargs tee rsync top man less diff".split(),
        "n": [str(n) for n in range(12, 1000, 7)], "m": [str(n) for n in range(3, 90, 4)],
        "k": [str(n) for n in range(2, 20)],
    }


def templates(node):
    lists, lines = {}, []
    for line in (HERE / "templates" / f"{node}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("@") and "|" in line:
            name, values = line[1:].split(" ", 1)
            lists[name] = values.split("|")
        elif line.strip():
            lines.append(line.strip())
    return lists, lines


def slots(line, fillers):
    return [s for s in re.findall(r"\{(\w+)\}", line) if s in fillers]


def fill(line, fillers, lists, chance):
    """Slots filled; what comes from a list beside the lines may have slots again."""
    def value(match):
        name = match[1]
        if name not in fillers:
            return match[0]
        chosen = chance.choice(fillers[name])
        return fill(chosen, fillers, lists, chance) if name in lists else chosen
    return re.sub(r"\{(\w+)\}", value, line)


def typing_error(text, chance):
    """Two letters swapped, one lost or one doubled, inside a word of five or more letters."""
    words = [m for m in re.finditer(r"[A-Za-zà-ü]{5,}", text)]
    if not words:
        return text
    word = chance.choice(words)
    at = chance.randrange(word.start() + 1, word.end() - 1)
    kind = chance.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2:]
    return text[:at] + text[at + 1:] if kind == 1 else text[:at] + text[at] + text[at:]


def worn(text, node, chance):
    """As people type it: case, the end mark, errors, courtesies."""
    if node not in LANGUAGES and chance.random() < 0.16:
        text = chance.choice(COURTESIES if chance.random() < 0.6 else SCENES) + text
    if node not in LANGUAGES and chance.random() < 0.08:
        text = text.rstrip("?. ") + chance.choice(THANKS)
    if chance.random() < 0.30:
        text = text.lower()
    elif chance.random() < 0.15:
        text = text[0].upper() + text[1:]
    if chance.random() < 0.35:
        text = text.rstrip("?.! ")
    elif text[-1].isalnum() and chance.random() < 0.25:
        text += "?"
    if chance.random() < 0.15:
        text = typing_error(text, chance)
    if node in LANGUAGES and chance.random() < 0.1:
        text = text.replace("¿", "").replace("é", "e").replace("ü", "ue" if node == "german" else "ü")
    return text or "?"


def words_of(text):
    return re.findall(r"\w+", text.lower())


class Held:
    """Held-out queries, to drop what is too like one of them: equal words, five words in a row, three quarters shared."""

    def __init__(self, paths):
        rows = [line.rstrip("\n").split("\t", 1)[1] for path in paths for line in open(path, encoding="utf-8") if line.strip()]
        self.sets = [set(words_of(row)) for row in rows]
        self.runs = {tuple(w[i:i + 5]) for w in map(words_of, rows) for i in range(len(w) - 4)}

    def near(self, text):
        words = words_of(text)
        if any(tuple(words[i:i + 5]) in self.runs for i in range(len(words) - 4)):
            return True
        own = set(words)
        return any(own and len(own & held) >= 0.75 * len(own | held) for held in self.sets)


def queries(node, shared, held, per_node, seed):
    chance = random.Random(f"{seed} {node}")
    lists, lines = templates(node)
    fillers = {**shared, **lists}
    plain = [line for line in lines if not slots(line, fillers)]
    filled = [line for line in lines if slots(line, fillers)]
    chance.shuffle(plain)
    kept_back = plain[:round(len(plain) * FIT_SHARE)]
    seen, rows, dropped = set(), [], 0

    def add(clean, split):
        nonlocal dropped
        query = worn(clean, node, chance) if split == "train" else clean
        if query in seen:
            return
        if held.near(query) or held.near(clean):
            dropped += 1
            return
        seen.add(query)
        row = {"split": split, "token": f"<{node}>", "query": query}
        if node not in REFUSALS:
            row["rewrite"] = clean
        rows.append(row)

    for line in kept_back:
        add(line, "held")
    plain = plain[len(kept_back):]
    for line in (plain + plain)[:max(len(plain), int(PLAIN_SHARE * per_node))]:
        add(line, "train")
    chance.shuffle(filled)
    turn = 0
    while sum(row["split"] == "train" for row in rows) < per_node:
        add(fill(filled[turn % len(filled)], fillers, lists, chance), "train")
        turn += 1
    return rows, dropped, len(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=pathlib.Path, default=pathlib.Path("texts"))
    parser.add_argument("--held", nargs="+", default=["Benchmarks/queries/queries.tsv", "Benchmarks/queries/development.tsv"])
    parser.add_argument("--out", default="master.jsonl")
    parser.add_argument("--per-node", type=int, default=700)
    parser.add_argument("--seed", type=int, default=20261130)
    options = parser.parse_args()
    shared, held = material(options.texts), Held(options.held)
    every = []
    for node in NODES:
        rows, dropped, lines = queries(node, shared, held, options.per_node, options.seed)
        fit = sum(row["split"] == "held" for row in rows)
        print(f"{node:13} {lines:4} lines, {len(rows) - fit:4} to train on, {fit:3} to fit on, {dropped:3} dropped", file=sys.stderr)
        every += rows
    random.Random(options.seed).shuffle(every)
    with open(options.out, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in every)


if __name__ == "__main__":
    main()
