#!/usr/bin/env python3
"""Writes the goldens of TokenizationTests: small vocabularies, token hashes over a generated corpus, streamed decoding, chat prompts.

    pip install tokenizers==0.23.3 transformers==5.23.0 gguf==0.19.0
    make_goldens.py MODEL.gguf [TEMPLATES]

MODEL.gguf is the default model. TEMPLATES is a folder with the published chat templates `qwen2.5.jinja`, `llama3.jinja` and
`llama3.1.jinja` (not kept here; the prompts they give are). The corpus comes from words.json by the generator below, which
Corpus.swift repeats; its hash is a golden too.
"""
import codecs
import json
import pathlib
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).resolve().parent
WORDS = json.loads((HERE / "words.json").read_text())
CHUNK_BYTES, CHUNKS = 16384, 72
MASK = (1 << 64) - 1


class Generator:
    """Knuth's 64-bit linear congruential generator; the upper 31 bits count."""

    def __init__(self, seed: int):
        self.state = seed

    def below(self, bound: int) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & MASK
        return (self.state >> 33) % bound


def chunk(index: int) -> bytes:
    words = [w.encode() for w in WORDS["words"]]
    separators = [s.encode() for s in WORDS["separators"]]
    specials = [s.encode() for s in WORDS["specials"]]
    invalid = [bytes(b) for b in WORDS["invalid"]]
    draw, out = Generator(index + 1), bytearray()
    while len(out) < CHUNK_BYTES:
        out += words[draw.below(len(words))]
        kind = draw.below(24)
        if kind == 0:
            out += specials[draw.below(len(specials))]
        elif kind == 1:
            out += invalid[draw.below(len(invalid))]
        elif kind == 2:
            scalar = draw.below(0x110000)
            if not 0xD800 <= scalar <= 0xDFFF:
                out += chr(scalar).encode()
        elif kind < 14:
            out += b" "
            continue
        out += separators[draw.below(len(separators))]
    return bytes(out)


def fnv(data: bytes) -> str:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return f"{value:016x}"


def hash_ids(ids: list[int]) -> str:
    return fnv(b"".join(i.to_bytes(4, "little") for i in ids))


# --- Vocabularies -----------------------------------------------------------------------------------------------------------

SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|NUMBERS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def split_then_bytes(numbers: str):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT.replace("NUMBERS", numbers)), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def byte_level():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


FAMILIES = {
    "gpt2": byte_level,
    "smollm": lambda: pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()]),
    "llama3": lambda: split_then_bytes(r"\p{N}{1,3}"),
    "qwen2": lambda: split_then_bytes(r"\p{N}"),
}


def added(family: str) -> list[AddedToken]:
    plain = dict(normalized=False)
    tokens = [AddedToken(s, special=True, **plain) for s in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")]
    if family == "llama3":
        names = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
        tokens = [AddedToken(s, special=True, **plain) for s in names]
    if family == "qwen2":
        tokens.append(AddedToken("<tool_call>", special=False, **plain))
        # Matched in composed text, spelled decomposed.
        tokens.append(AddedToken("e\u0301te\u0301", special=False, normalized=True))
    if family == "smollm":
        tokens.append(AddedToken("[left]", special=True, lstrip=True, **plain))
        tokens.append(AddedToken("[right]", special=True, rstrip=True, **plain))
        tokens.append(AddedToken("goose", special=False, single_word=True, **plain))
        tokens.append(AddedToken("<|im_", special=False, **plain))
    return tokens


def train(family: str, corpus: list[str]) -> dict:
    tokenizer = Tokenizer(models.BPE(ignore_merges=family == "llama3"))
    tokenizer.pre_tokenizer = FAMILIES[family]()
    if family == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    for token in added(family):
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    description = json.loads(tokenizer.to_str())
    if family != "llama3":
        # The older spelling of merges; llama3 keeps the pairs.
        description["model"]["merges"] = [" ".join(pair) for pair in description["model"]["merges"]]
    return description


def without_added(description: dict) -> Tokenizer:
    return Tokenizer.from_str(json.dumps(description | {"added_tokens": []}))


def gguf_description(path: str) -> dict:
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = FAMILIES["smollm"]()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, types) if k == 3])
    return json.loads(tokenizer.to_str())


def every_scalar() -> list[str]:
    """Each scalar after a letter, after a space and before the next one's letter; 4,096 to a text."""
    scalars = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    return ["".join(f"a{chr(c)} {chr(c)}" for c in scalars[i : i + 4096]) for i in range(0, len(scalars), 4096)]


def token_hashes(description: dict, chunks: list[str]) -> dict:
    parsing, inert = Tokenizer.from_str(json.dumps(description)), without_added(description)
    return {
        "inert": [hash_ids(inert.encode(c, add_special_tokens=False).ids) for c in chunks],
        "parsed": [hash_ids(parsing.encode(c, add_special_tokens=False).ids) for c in chunks],
        "everyScalar": hash_ids([i for text in every_scalar() for i in inert.encode(text, add_special_tokens=False).ids]),
        "ids": sum(len(inert.encode(c, add_special_tokens=False).ids) for c in chunks),
    }


# --- Decoding ---------------------------------------------------------------------------------------------------------------


def streams() -> list[dict]:
    """What Python's incremental decoder gives out after each byte, and at the end."""
    texts = [b"a\xc3\xa9", "€🪿ne".encode(), "👩‍👩‍👧".encode(), "नमस्ते".encode()]
    broken = [
        b"\xff", b"\x80\x80a", b"\xc3(", b"\xe2\x82", b"\xe2\x82a", b"\xe2(\xa1", b"\xf0\x9f\xaa", b"\xf0\x9f\xaa\xf0\x9f\xaa\xbf",
        b"\xf0\x28\x8c\xbc", b"\xf0\x90\x28\xbc", b"\xf4\x90\x80\x80", b"\xed\xa0\x80", b"\xe0\x80\xaf", b"\xc0\xaf", b"\xf5\x80",
        b"\xf0\x8f\xbf\xbf", b"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", b"\xc2\xc2\xa9", b"\xf4\x8f\xbf\xbf\xf4", b"\xed\x9f\xbf\xed",
    ]  # fmt: skip
    cases = []
    for data in texts + broken:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        steps = [decoder.decode(bytes([b])) for b in data]
        cases.append({"bytes": list(data), "steps": steps, "end": decoder.decode(b"", final=True)})
    return cases


# --- Chat -------------------------------------------------------------------------------------------------------------------

CONVERSATIONS = [
    [("user", "Hello")],
    [("system", "Be brief."), ("user", "What is a skein?"), ("assistant", "Geese in flight."), ("user", "And on water?")],
    [("user", "")],
    [("system", ""), ("user", "x"), ("assistant", ""), ("user", "y")],
    [("user", "  \n\t padded \u00a0\u2003\n "), ("assistant", "\u001c kept? \u001f\u200b ")],
    [("user", "\n\nnew lines first\n\n"), ("system", " late system "), ("user", "12 345\r\n")],
    [("assistant", "I begin."), ("user", "Ünïcödé 🪿 नमस्ते 你好")],
    [("system", "  \n "), ("user", "only spaces above")],
]


def prompts(template: str, bos: str) -> list[dict]:
    from transformers.utils.chat_template_utils import render_jinja_template

    cases = []
    for turns in CONVERSATIONS:
        messages = [{"role": role, "content": content} for role, content in turns]
        for add in (True, False):
            rendered, _ = render_jinja_template(
                conversations=[messages], chat_template=template, add_generation_prompt=add, bos_token=bos,
                date_string="26 Jul 2024",
            )  # fmt: skip
            cases.append({"messages": turns, "addGenerationPrompt": add, "text": rendered[0]})
    return cases


def default_model_prompts(gguf: str, template: str) -> list[dict]:
    """Also the ids, of the rendered text with special tokens parsed: contents above spell none."""
    tokenizer = Tokenizer.from_str(json.dumps(gguf_description(gguf)))
    return [c | {"ids": tokenizer.encode(c["text"], add_special_tokens=False).ids} for c in prompts(template, "")]


def write(name: str, value) -> None:
    path = HERE / name
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path.stat().st_size:8d} {name}")


def main() -> None:
    gguf = sys.argv[1]
    chunks = [chunk(i) for i in range(CHUNKS)]
    corpus = b"".join(chunks)
    texts = [c.decode("utf-8", "replace") for c in chunks]
    hashes = {"bytes": len(corpus), "corpus": fnv(corpus), "families": {}}
    training = [w for w in WORDS["words"]] * 3 + [" ".join(WORDS["words"]), "\n".join(WORDS["words"])] + texts[:4]
    for family in FAMILIES:
        description = train(family, training)
        folder = HERE / family
        folder.mkdir(exist_ok=True)
        write(f"{family}/tokenizer.json", description)
        hashes["families"][family] = token_hashes(description, texts)
    hashes["families"]["default"] = token_hashes(gguf_description(gguf), texts)
    write("tokens.json", hashes)
    write("streams.json", streams())
    if len(sys.argv) > 2:
        from gguf import GGUFReader

        templates = pathlib.Path(sys.argv[2])
        own = GGUFReader(gguf).fields["tokenizer.chat_template"].contents()
        chat = {"default": default_model_prompts(gguf, own)}
        for name, bos in (("qwen2.5", ""), ("llama3", "<|begin_of_text|>"), ("llama3.1", "<|begin_of_text|>")):
            chat[name] = prompts((templates / f"{name}.jinja").read_text(), bos)
        write("prompts.json", chat)


if __name__ == "__main__":
    main()
