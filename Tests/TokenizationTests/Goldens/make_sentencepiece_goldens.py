#!/usr/bin/env python3
"""Writes sentencepiece/: small SentencePiece models in each format that is read, and hashes of their ids over the corpus.

    pip install sentencepiece==0.2.3 tokenizers==0.23.3 gguf==0.19.0 protobuf
    make_sentencepiece_goldens.py

`unigram` is made as umT5's model is (byte fallback), `t5` as T5's (no byte fallback), `bpe` as Llama's and Mixtral's (identity
normalisation, single digits, byte fallback). The first two normalise by nmt_nfkc's rules for some blocks of Unicode: all of them would take
240 kB four times (`--full` writes those, to test with and not to commit).
Ids of `.model` and GGUF come from sentencepiece, those of tokenizer.json from tokenizers.
"""
import io
import json
import sys
import tempfile
import unicodedata

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from make_goldens import CHUNKS, HERE, chunk, every_scalar, hash_ids

OUT = HERE / "sentencepiece"

COMMON = dict(vocab_size=1400, character_coverage=0.98, hard_vocab_limit=False, num_threads=1, minloglevel=2, max_sentence_length=1 << 16)
# Latin, combining marks, Greek, punctuation, letterlike, enclosed, kana, Hangul letters and some syllables, ligatures, full width.
BLOCKS = [
    (0x20, 0x400), (0x1E00, 0x1F00), (0x2000, 0x2190), (0x2460, 0x2500), (0x3000, 0x3100), (0x3130, 0x3190), (0x3300, 0x3340),
    (0xAC00, 0xAC40), (0xD540, 0xD580), (0xFB00, 0xFB20), (0xFF00, 0xFFF0), (0x1D400, 0x1D420), (0x1F100, 0x1F130),
]  # fmt: skip


def rules() -> str:
    """NFKC of the blocks' characters and of their decompositions; what nmt adds: controls vanish, unusual spaces are spaces."""
    found = {c: "" for c in map(chr, [*range(1, 9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F])}
    found |= {c: " " for c in map(chr, [9, 0xA, 0xC, 0xD, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD])}
    for block in BLOCKS:
        for c in map(chr, range(*block)):
            normal = unicodedata.normalize("NFKC", c)
            for spelling in (c, unicodedata.normalize("NFD", c)):
                if spelling != normal:
                    found.setdefault(spelling, normal)
    spell = lambda text: " ".join(f"{ord(c):X}" for c in text)
    return "".join(f"{spell(source)}\t{spell(target)}\n" for source, target in sorted(found.items()))


UNIGRAM = dict(model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
TRAINING = {
    "unigram": UNIGRAM | dict(byte_fallback=True, user_defined_symbols=["[[tag]]", "goose"]),
    "t5": UNIGRAM,
    "bpe": dict(
        model_type="bpe", unk_id=0, bos_id=1, eos_id=2, pad_id=-1, byte_fallback=True, split_digits=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
        user_defined_symbols=["[[tag]]"]),
}  # fmt: skip


def normalisation(file) -> dict:
    if "--full" in sys.argv:
        return dict(normalization_rule_name="nmt_nfkc")
    file.write(rules())
    file.flush()
    return dict(normalization_rule_tsv=file.name)


def train(family: str) -> pb.ModelProto:
    sentences = [line for i in range(24) for line in chunk(i).decode("utf-8", "replace").replace("\0", " ").splitlines()]
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        options = COMMON | TRAINING[family]
        if family != "bpe":
            options |= normalisation(file)
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(sentences), model_writer=model, **options)
    proto = pb.ModelProto()
    proto.ParseFromString(model.getvalue())
    # The name of a temporary file, another one each time.
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    return proto


def unigram_json(proto: pb.ModelProto, words: bool) -> Tokenizer:
    """words: as T5's published file; else as transformers converts a model."""
    fallback = proto.trainer_spec.byte_fallback
    tokenizer = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], proto.trainer_spec.unk_id, fallback))
    charsmap = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    space = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    if words:
        tokenizer.normalizer = charsmap
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), space])
    else:
        steps = [charsmap, normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")]
        tokenizer.normalizer = normalizers.Sequence(steps)
        tokenizer.pre_tokenizer = space
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in ("<pad>", "</s>", "<unk>")])
    return tokenizer


def bpe_json(proto: pb.ModelProto, split: bool) -> Tokenizer:
    """split: as transformers' "legacy=False"; else as Llama's and Mixtral's published files."""
    vocabulary = {p.piece: i for i, p in enumerate(proto.pieces)}
    normal = {p.piece: p.score for p in proto.pieces if p.type == 1}
    merges = sorted(
        (-score, piece[:cut], piece[cut:])
        for piece, score in normal.items()
        for cut in range(1, len(piece))
        if piece[:cut] in normal and piece[cut:] in normal
    )
    tokenizer = Tokenizer(
        models.BPE(vocabulary, [m[1:] for m in merges], unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    if split:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in ("<unk>", "<s>", "</s>")])
    return tokenizer


def write_gguf(family: str, proto: pb.ModelProto):
    """Vocabulary only, with the keys of llama.cpp's converter."""
    writer = gguf.GGUFWriter(OUT / f"{family}.gguf", "llama" if family == "bpe" else "t5")
    writer.add_tokenizer_model("llama" if family == "bpe" else "t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([p.piece for p in proto.pieces])
    writer.add_token_scores([p.score for p in proto.pieces])
    writer.add_token_types([p.type for p in proto.pieces])
    writer.add_add_space_prefix(proto.normalizer_spec.add_dummy_prefix)
    writer.add_unk_token_id(proto.trainer_spec.unk_id)
    writer.add_eos_token_id(proto.trainer_spec.eos_id)
    if family == "bpe":
        writer.add_bos_token_id(proto.trainer_spec.bos_id)
        writer.add_add_bos_token(True)
    else:
        writer.add_remove_extra_whitespaces(proto.normalizer_spec.remove_extra_whitespaces)
        writer.add_precompiled_charsmap(proto.normalizer_spec.precompiled_charsmap)
        writer.add_add_bos_token(False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def texts() -> list[str]:
    return [chunk(i).decode("utf-8", "replace") for i in range(CHUNKS)] + SPACES


SPACES = [
    "", " ", "   ", "a", " a", "a ", "  a  b  ", "\n", " \n a\t b", "▁", "▁▁a ▁b", "a\u3000b", "\u200b", "x[[tag]] y", " [[tag]]  [[tag]]",
    "mongoose goose geese", "ﬁn ﬀ ½ ①", "e\u0301te\u0301", "한국어 가", "👩‍👩‍👧 🇫🇷", "<s> </s> <unk> <pad> <0x41>", "0123 4567", "a" * 3000,
]  # fmt: skip


def hashes(encode) -> dict:
    return {
        "chunks": [hash_ids(encode(t)) for t in texts()],
        "everyScalar": hash_ids([i for t in every_scalar() for i in encode(t)]),
        "ids": sum(len(encode(t)) for t in texts()),
    }


def write_json(tokenizer: Tokenizer, folder: str) -> dict:
    (OUT / folder).mkdir(exist_ok=True)
    description = json.loads(tokenizer.to_str())
    (OUT / folder / "tokenizer.json").write_text(json.dumps(description, ensure_ascii=False, separators=(",", ":")))
    # Inert: neither added tokens nor pieces of their text.
    vocabulary, special = description["model"]["vocab"], {t["content"] for t in description["added_tokens"]}
    if isinstance(vocabulary, list):
        description["model"]["vocab"] = [[f"\ue000{p}" if p in special else p, s] for p, s in vocabulary]
    inert = Tokenizer.from_str(json.dumps(description | {"added_tokens": []}))
    return hashes(lambda text: inert.encode(text, add_special_tokens=False).ids)


def main():
    goldens = {"spaces": SPACES}
    for family in TRAINING:
        proto = train(family)
        path = OUT / f"{family}.model"
        path.write_bytes(proto.SerializeToString())
        write_gguf(family, proto)
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        goldens[family] = hashes(processor.encode)
        ids = [i for i in processor.encode(texts()[0][:2000]) if not processor.is_unknown(i)]
        goldens[family]["decoded"] = {"ids": ids, "text": processor.decode(ids)}
        if family == "bpe":
            goldens["bpe-published"] = write_json(bpe_json(proto, split=False), "bpe-published")
            goldens["bpe-metaspace"] = write_json(bpe_json(proto, split=True), "bpe-metaspace")
        else:
            if family == "unigram":
                goldens["unigram-converted"] = write_json(unigram_json(proto, words=False), "unigram-converted")
            else:
                goldens["t5-published"] = write_json(unigram_json(proto, words=True), "t5-published")
    (OUT / "tokens.json").write_text(json.dumps(goldens, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
