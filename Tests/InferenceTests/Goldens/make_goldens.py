"""Makes the goldens of InferenceTests with gguf-py, tokenizers and transformers (f32, CPU): nothing here is Skein's.

    python make_goldens.py path/to/SmolLM2-135M-Instruct.Q4_1.gguf

Needs: gguf, tokenizers, transformers, torch, safetensors. Made with transformers 5.23. Writes, beside this file,
    default.json          greedy tokens, logits and mean NLL of the default model's dequantised weights
    tiny/NAME/            small random models of each architecture variant (config.json, model.safetensors), and
    tiny/NAME/golden.json their logits
"""

import json
import shutil
import sys
from pathlib import Path

import gguf
import numpy
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = Path(__file__).parent

CHAT = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n" \
       "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"

PROMPTS = {
    "capital": CHAT.format("What is the capital of France?"),
    "gravity": "Gravity is",
    "code": "def fibonacci(n):\n    \"\"\"Returns the n-th Fibonacci number.\"\"\"\n",
    "list": CHAT.format("List three uses of a brick."),
    "story": "Once upon a time, in a village between two rivers, there lived a clockmaker who",
    "digits": "The first 20 primes are 2, 3, 5, 7, 11, 13,",
    "french": "Le petit chat est assis sur",
    "markdown": "# Recipe: pancakes\n\n## Ingredients\n\n- 2 eggs\n- 200 g flour\n-",
    "greeting": CHAT.format("Write a short poem about geese flying south."),
    "one": "The",
}

TEXT = """
The estuary empties twice a day. At low water the mud lies bare for a mile, ribbed by the last of the tide, and the birds come
down to feed: dunlin in tight grey flocks that turn together like one animal, curlews alone and patient, a few late geese that
should have left in March. A man named Harold Pike has counted them from the same bench since 1974. He writes each number in
pencil, because ink runs in the rain, and he has filled thirty-one notebooks. In the first of them the geese numbered 4,212 on
the best day of the year; in the last, 1,907. He does not say why. He says that he was never any good at why, only at how many.

To measure a thing well is to admit how badly it was measured before. The early surveyors of this coast used chains, each of
one hundred links, and swore that their errors cancelled. They did not. When the railway came through in 1862 the two ends of
the line, begun from opposite shores, missed each other by eleven feet, and a curve was put in where the maps show a straight.
Passengers still lean a little to the left there without knowing that they lean into a mistake of arithmetic.

A computer program is kinder in this respect, since it makes the same mistake every time. Suppose that we add the numbers
0.1 + 0.2 and print the result; the machine answers 0.30000000000000004, today and tomorrow. What it cannot promise is that
(a + b) + c equals a + (b + c). Change the order, and the last digit moves. Engineers who forget this spend their evenings
looking for a fault that appears on one machine in eight, and only when the others are busy. The cure is dull: decide on one
order, write it down, and keep to it. Harold Pike would approve. He counts from left to right, from the lighthouse to the pier,
and if a flock rises before he reaches the end he begins again.

In October the first skeins come in from the north, so high that you hear them before you see them. They fly in lines that
break and mend; the bird in front works hardest, and when it tires it falls back along the line and another takes its place
without a word being said. No one has found out how they decide. Harold Pike, who was asked by a girl from the school, thought
for some time and answered that perhaps nobody decides, that each goose only looks at the next one. Then he went on counting.
"""


def undo_permutation(rows: numpy.ndarray, heads: int) -> numpy.ndarray:
    """GGUF files of the llama family interleave the two halves of each head's rows in q and k; Hugging Face does not."""
    size = rows.shape[0] // heads
    return rows.reshape(heads, size // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def load_gguf(path: str):
    reader = gguf.GGUFReader(path)

    def field(key):
        return reader.fields[key].contents()

    heads, key_value_heads = field("llama.attention.head_count"), field("llama.attention.head_count_kv")
    tensors = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(numpy.float32) for t in reader.tensors}
    layers = field("llama.block_count")
    context = field("llama.context_length")
    config = LlamaConfig(
        vocab_size=tensors["token_embd.weight"].shape[0], hidden_size=field("llama.embedding_length"),
        intermediate_size=field("llama.feed_forward_length"), num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=key_value_heads, max_position_embeddings=context,
        rms_norm_eps=field("llama.attention.layer_norm_rms_epsilon"), tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": field("llama.rope.freq_base")})
    state = {"model.embed_tokens.weight": tensors["token_embd.weight"],
             "model.norm.weight": tensors["output_norm.weight"]}
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    assert "output.weight" not in tensors
    names = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
             "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
    for layer in range(layers):
        for short, long in names.items():
            value = tensors[f"blk.{layer}.{short}.weight"]
            if short == "attn_q":
                value = undo_permutation(value, heads)
            if short == "attn_k":
                value = undo_permutation(value, key_value_heads)
            state[f"model.layers.{layer}.{long}.weight"] = value
    model = LlamaForCausalLM(config).float().eval()
    model.load_state_dict({k: torch.from_numpy(numpy.ascontiguousarray(v)) for k, v in state.items()})
    return model, tokenizer(field("tokenizer.ggml.tokens"), field("tokenizer.ggml.merges"),
                            field("tokenizer.ggml.token_type"))


def tokenizer(tokens, merges, types) -> Tokenizer:
    """SmolLM's: every digit alone, then byte-level BPE. (transformers' own conversion of a GGUF loses the digits.)"""
    bpe = models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[tuple(m.split(" ")) for m in merges])
    made = Tokenizer(bpe)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    made.decoder = decoders.ByteLevel()
    control = 3
    made.add_special_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, types) if kind == control])
    return made


def greedy(model, prompt, count):
    """Tokens, and the smallest gap between the best two logits: a parity test needs it well above rounding."""
    ids, gap = list(prompt), float("inf")
    with torch.no_grad():
        for _ in range(count):
            logits = model(torch.tensor([ids])).logits[0, -1]
            best = torch.topk(logits, 2)
            gap = min(gap, float(best.values[0] - best.values[1]))
            ids.append(int(best.indices[0]))
    return ids[len(prompt):], gap


def floats(values):
    return [float(f"{float(v):.8g}") for v in values]


def default_goldens(path: str):
    model, words = load_gguf(path)
    cases = []
    for name, text in PROMPTS.items():
        prompt = words.encode(text, add_special_tokens=False).ids
        tokens, gap = greedy(model, prompt, 24)
        print(f"{name}: {len(prompt)} tokens, smallest gap {gap:.4f}: {words.decode(tokens)!r}")
        cases.append({"name": name, "prompt": prompt, "tokens": tokens, "smallestGap": gap})
    ids = words.encode(TEXT.strip(), add_special_tokens=False).ids
    assert len(ids) >= 512, len(ids)
    ids = ids[:512]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    nll = torch.nn.functional.cross_entropy(logits[:-1].double(), torch.tensor(ids[1:])).item()
    print(f"mean NLL {nll:.9f}")
    rows = []
    for position in (0, 1, 17, 100, 255, 256, 400, 511):
        best = torch.topk(logits[position], 32)
        rows.append({"position": position, "topIDs": best.indices.tolist(), "topValues": floats(best.values),
                     "stride": 97, "sample": floats(logits[position][::97])})
    golden = {"cases": cases, "score": {"ids": ids, "meanNLL": nll, "rows": rows}}
    (HERE / "default.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


def tiny(name, model_class, config, dtype=torch.bfloat16):
    """A random model whose weights are exact in `dtype`, and its f32 logits over 48 random tokens."""
    torch.manual_seed(sum(name.encode()))
    model = model_class(config).float().eval()
    with torch.no_grad():
        for key, value in model.named_parameters():
            if value.ndim == 1:
                centre = 0.0 if key.endswith("bias") else 1.0
                value.copy_(centre + 0.2 * torch.randn_like(value))
            else:
                value.copy_(torch.randn_like(value) * value.shape[1] ** -0.5 * 1.4)
            value.copy_(value.to(dtype).float())
        ids = torch.randint(0, config.vocab_size, (48,))
        logits = model(ids[None]).logits[0]
    folder = HERE / "tiny" / name
    shutil.rmtree(folder, ignore_errors=True)
    model.to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    rows = [{"position": p, "logits": floats(logits[p])} for p in (0, 1, 7, 15, 16, 17, 31, 46, 47)]
    (folder / "golden.json").write_text(
        json.dumps({"ids": ids.tolist(), "rows": rows}, separators=(",", ":")) + "\n")
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"tiny/{name}: {size} bytes, logits in {logits.min():.2f} ... {logits.max():.2f}")


def tiny_goldens():
    base = dict(vocab_size=96, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True, rms_norm_eps=1e-5)
    plain = {"rope_type": "default", "rope_theta": 10000.0}
    tiny("untied-mqa-f32", LlamaForCausalLM, LlamaConfig(**base | dict(
        tie_word_embeddings=False, num_key_value_heads=1, rope_parameters=plain)), torch.float32)
    tiny("mha", LlamaForCausalLM, LlamaConfig(**base | dict(
        num_key_value_heads=4, rms_norm_eps=1e-6, rope_parameters=plain | {"rope_theta": 500000.0})))
    tiny("wide-heads-linear", LlamaForCausalLM, LlamaConfig(**base | dict(
        head_dim=32, rope_parameters=plain | {"rope_type": "linear", "factor": 4.0})))
    tiny("llama3", LlamaForCausalLM, LlamaConfig(**base | dict(rope_parameters={
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 32})))
    tiny("yarn", LlamaForCausalLM, LlamaConfig(**base | dict(rope_parameters={
        "rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16})))
    tiny("qwen2", Qwen2ForCausalLM, Qwen2Config(**base | dict(rope_parameters=plain, use_sliding_window=False)))


if __name__ == "__main__":
    torch.set_num_threads(2)
    tiny_goldens()
    default_goldens(sys.argv[1])
