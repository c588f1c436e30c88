#!/usr/bin/env python3
"""Trains a master in torch: a LoRA on the trunk's last layers and one vocabulary row per functional token.

    train_master.py --model MODEL.gguf --queries master.jsonl --out FOLDER [--layers 12] [--epochs 3]

The loss is the cross-entropy of the functional token after the prompt, over the vocabulary and the functional tokens, and a share
of that of the rewrite after it: `("` text `")`, then the end token. The layers below the LoRA never change, so what they make of the
queries is computed once; the prompt's head, equal in all, is computed once a batch. One thread by default.
"""

import argparse
import hashlib
import json
import math
import pathlib
import random
import time

import numpy
import torch
import torch.nn.functional as F
from gguf import GGUFReader
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM

SYSTEM = "You are a router. Name the node that answers the query."
SITES = {"q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn", "o_proj": "self_attn", "gate_proj": "mlp",
         "up_proj": "mlp", "down_proj": "mlp"}


def tokenizer_of(path):
    """The GGUF's own vocabulary and merges; transformers' conversion cuts blanks before digits differently."""
    fields = GGUFReader(path).fields
    text = lambda name: [bytes(fields[name].parts[i]).decode() for i in fields[name].data]
    vocabulary = {token: i for i, token in enumerate(text("tokenizer.ggml.tokens"))}
    merges = [tuple(merge.split(" ")) for merge in text("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, vocabulary


class Prompt:
    def __init__(self, path):
        self.tokenizer, vocabulary = tokenizer_of(path)
        self.start, self.end = vocabulary["<|im_start|>"], vocabulary["<|im_end|>"]
        text = self.text
        self.head = [self.start] + text(f"system\n{SYSTEM}") + [self.end] + text("\n") + [self.start] + text("user\n")
        self.tail = [self.end] + text("\n") + [self.start] + text("assistant\n")

    def text(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def query(self, query):
        # The line end before a query is a token of its own, as the product renders a message.
        whole = self.text("user\n" + query)
        assert whole[:len(self.text("user\n"))] == self.text("user\n"), query
        return whole[len(self.text("user\n")):] + self.tail

    def rewrite(self, text):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return self.text(f'("{escaped}")') + [self.end]


class Layer:
    """One layer of the trunk, with or without a LoRA; x [B, L, d]; the head's keys and values come first."""

    def __init__(self, module, config, rank, scale):
        self.weights = {name: getattr(getattr(module, part), name).weight.detach() for name, part in SITES.items()}
        self.norms = module.input_layernorm.weight.detach(), module.post_attention_layernorm.weight.detach()
        self.heads, self.groups = config.num_attention_heads, config.num_key_value_heads
        self.eps, self.scale, self.pairs = config.rms_norm_eps, scale, {}
        for name, weight in self.weights.items() if rank else ():
            a = torch.empty(rank, weight.shape[1])
            torch.nn.init.kaiming_uniform_(a, a=math.sqrt(5))
            self.pairs[name] = (a.requires_grad_(), torch.zeros(weight.shape[0], rank, requires_grad=True))

    def linear(self, name, x):
        y = F.linear(x, self.weights[name].to(x.dtype))
        if name in self.pairs:
            a, b = self.pairs[name]
            y = y + self.scale * F.linear(F.linear(x, a.to(x.dtype)), b.to(x.dtype))
        return y

    def norm(self, x, weight):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * weight

    def __call__(self, x, rotary, past, dtype):
        """-> output, (keys, values) of x alone; past: of the head, batch 1, or None."""
        batch, length, width = x.shape
        u = self.norm(x, self.norms[0]).to(dtype)
        split = lambda y, heads: y.view(batch, length, heads, -1).transpose(1, 2)
        q, k, v = (split(self.linear(n, u), h) for n, h in
                   (("q_proj", self.heads), ("k_proj", self.groups), ("v_proj", self.groups)))
        q, k = turn(q, rotary), turn(k, rotary)
        own = k, v
        mask = None
        if past is not None:
            k, v = (torch.cat([p.to(dtype).expand(batch, -1, -1, -1), o], 2) for p, o in zip(past, own))
            mask = torch.ones(length, k.shape[2], dtype=torch.bool).tril(k.shape[2] - length)
        repeat = self.heads // self.groups
        k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        x = x + self.linear("o_proj", attended.transpose(1, 2).reshape(batch, length, width)).float()
        u = self.norm(x, self.norms[1]).to(dtype)
        inner = F.silu(self.linear("gate_proj", u)) * self.linear("up_proj", u)
        return x + self.linear("down_proj", inner).float(), own


def rotary_of(positions, width, theta):
    angles = positions[:, None].float() / theta ** (torch.arange(0, width, 2).float() / width)
    return torch.cos(angles).repeat(1, 2), torch.sin(angles).repeat(1, 2)


def turn(x, rotary):
    cos, sin = (r.to(x.dtype) for r in rotary)
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


class Master:
    def __init__(self, options, prompt, tokens):
        trunk = AutoModelForCausalLM.from_pretrained(
            str(pathlib.Path(options.model).parent), gguf_file=pathlib.Path(options.model).name, dtype=torch.float32)
        config = trunk.config
        self.theta = (getattr(config, "rope_parameters", None) or {}).get("rope_theta") or config.rope_theta
        self.width = config.hidden_size // config.num_attention_heads
        self.embedding = trunk.model.embed_tokens.weight.detach()
        self.final = trunk.model.norm.weight.detach()
        self.below = config.num_hidden_layers - options.layers
        self.layers = [Layer(m, config, options.rank if i >= self.below else 0, options.alpha / options.rank)
                       for i, m in enumerate(trunk.model.layers)]
        self.prompt, self.tokens = prompt, tokens
        # A row begins as the mean of its name's rows, drawn towards the mean of all so that names differ little at first.
        mean = self.embedding.mean(0)
        rows = [self.embedding[prompt.text(token.strip("<>"))].mean(0) for token in tokens]
        self.rows = torch.stack([0.5 * mean + 0.5 * row for row in rows]).requires_grad_()

    def read(self, folder):
        tensors = load_file(f"{folder}/adapter_model.safetensors")
        with torch.no_grad():
            for i, layer in enumerate(self.layers):
                for name, (a, b) in layer.pairs.items():
                    key = f"base_model.model.model.layers.{i}.{SITES[name]}.{name}"
                    a.copy_(tensors[f"{key}.lora_A.weight"])
                    b.copy_(tensors[f"{key}.lora_B.weight"])
            self.rows.copy_(load_file(f"{folder}/functional_tokens.safetensors")["embedding"])

    def embed(self, ids):
        whole = torch.cat([self.embedding, self.rows])
        return F.embedding(ids, whole)

    def run(self, x, layers, pasts, first, dtype):
        rotary = rotary_of(torch.arange(first, first + x.shape[1]), self.width, self.theta)
        kept = []
        for layer, past in zip(layers, pasts):
            x, own = layer(x, rotary, past, dtype)
            kept.append(own)
        return x, kept

    def head_states(self):
        """The head of the prompt through the layers below: its output and their keys and values."""
        with torch.no_grad():
            x = self.embed(torch.tensor([self.prompt.head]))
            return self.run(x, self.layers[:self.below], [None] * self.below, 0, torch.float32)

    def bottom(self, ids, head):
        with torch.no_grad():
            return self.run(self.embed(ids), self.layers[:self.below], head[1], len(self.prompt.head), torch.float32)[0]

    def top(self, x, head, dtype):
        layers = self.layers[self.below:]
        _, pasts = self.run(head[0], layers, [None] * len(layers), 0, dtype)
        x = self.run(x, layers, pasts, len(self.prompt.head), dtype)[0]
        return layers[0].norm(x, self.final)

    def logits(self, h, dtype):
        return F.linear(h.to(dtype), torch.cat([self.embedding, self.rows]).to(dtype)).float()

    def parameters(self):
        return [p for layer in self.layers for pair in layer.pairs.values() for p in pair]


class Data:
    def __init__(self, path, prompt, tokens, vocabulary, argument_share, chance):
        rows = [json.loads(line) for line in open(path, encoding="utf-8")]
        self.items = []
        for row in rows:
            ids, node = prompt.query(row["query"]), tokens.index(row["token"])
            argument = prompt.rewrite(row["rewrite"]) if "rewrite" in row and chance.random() < argument_share else []
            self.items.append({"split": row["split"], "node": node, "ids": ids, "argument": argument,
                               "all": ids + ([vocabulary + node] + argument if argument else [])})


def padded(lists, value=0):
    longest = max(map(len, lists))
    return torch.tensor([ids + [value] * (longest - len(ids)) for ids in lists])


def batches(items, size, chance):
    """Of like lengths, in random order."""
    order = sorted(items, key=lambda item: (len(item["all"]), chance.random()))
    cut = [order[i:i + size] for i in range(0, len(order), size)]
    chance.shuffle(cut)
    return cut


def decide(master, items, head):
    """[N, tokens] logits and the functional mass."""
    found = []
    with torch.no_grad():
        for start in range(0, len(items), 64):
            part = items[start:start + 64]
            x = master.bottom(padded([i["ids"] for i in part]), head)
            h = master.top(x, head, torch.float32)
            last = torch.stack([h[b, len(i["ids"]) - 1] for b, i in enumerate(part)])
            found.append(master.logits(last, torch.float32))
    whole = torch.cat(found)
    count = len(master.tokens)
    return whole[:, -count:], whole.softmax(-1)[:, -count:].sum(-1)


def loss_of(master, batch, x, head, options, vocabulary):
    h = master.top(x, head, torch.bfloat16)
    where = [(b, len(i["ids"]) - 1, vocabulary + i["node"], 1.0) for b, i in enumerate(batch)]
    for b, item in enumerate(batch):
        at = len(item["ids"])
        where += [(b, at + j, token, options.argument_weight) for j, token in enumerate(item["argument"])]
    rows = torch.stack([h[b, at] for b, at, _, _ in where])
    losses = F.cross_entropy(master.logits(rows, torch.bfloat16), torch.tensor([w[2] for w in where]), reduction="none",
                             label_smoothing=0.0)
    weights = torch.tensor([w[3] for w in where])
    return (losses * weights).sum() / len(batch), losses[:len(batch)].mean().item()


def train(master, data, options, vocabulary, chance):
    kept = [i for i in data.items if i["split"] == "train"]
    fit = [i for i in data.items if i["split"] == "fit"]
    head = master.head_states()
    began = time.time()
    for batch in batches([i for i in kept if not i["argument"]], 64, chance):
        states = master.bottom(padded([i["ids"] for i in batch]), head)
        for b, item in enumerate(batch):
            item["state"] = states[b, :len(item["ids"])].to(torch.bfloat16)
    print(f"layers below: {time.time() - began:.0f} s", flush=True)
    optimiser = torch.optim.AdamW([{"params": master.parameters(), "lr": options.rate, "weight_decay": 0.01},
                                   {"params": [master.rows], "lr": options.row_rate, "weight_decay": 0.0}])
    plan = [b for _ in range(options.epochs) for b in batches(kept, options.batch, chance)]
    curve = lambda s: min(1, (s + 1) / 20) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * s / len(plan))))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, curve)
    running, began = 0.0, time.time()
    for step, batch in enumerate(plan):
        x = bottom_of(master, batch, head)
        loss, decision = loss_of(master, batch, x, head, options, vocabulary)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(master.parameters() + [master.rows], 1.0)
        optimiser.step()
        schedule.step()
        running = 0.95 * running + 0.05 * decision
        if step % 20 == 19:
            print(f"step {step + 1}/{len(plan)} loss {loss.item():.3f} decision {running:.3f} {time.time() - began:.0f} s",
                  flush=True)
        if step % 100 == 99 or step + 1 == len(plan):
            write(master, options, 1.0)
            logits, _ = decide(master, fit, head)
            right = (logits.argmax(-1) == torch.tensor([i["node"] for i in fit])).float().mean().item()
            print(f"fit lines right: {right:.3f} of {len(fit)}", flush=True)
    return head, fit


def bottom_of(master, batch, head):
    """Stored states where there are any, else computed: an argument begins with a row that changes."""
    longest = max(len(i["all"]) for i in batch)
    x = torch.zeros(len(batch), longest, master.embedding.shape[1])
    fresh = [b for b, i in enumerate(batch) if "state" not in i]
    if fresh:
        states = master.bottom(padded([batch[b]["all"] for b in fresh]), head)
        for row, b in enumerate(fresh):
            x[b, :states.shape[1]] = states[row]
    for b, item in enumerate(batch):
        if "state" in item:
            x[b, :len(item["ids"])] = item["state"].float()
    return x


def temperature_of(logits, nodes):
    beta = torch.ones(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([beta], max_iter=100)

    def closure():
        optimiser.zero_grad()
        loss = F.cross_entropy(logits * beta, nodes)
        loss.backward()
        return loss

    optimiser.step(closure)
    return float(1 / beta.detach().clamp(0.05, 20))


def write(master, options, temperature):
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for i, layer in enumerate(master.layers):
        for name, (a, b) in layer.pairs.items():
            key = f"base_model.model.model.layers.{i}.{SITES[name]}.{name}"
            tensors[f"{key}.lora_A.weight"] = a.detach().half().contiguous()
            tensors[f"{key}.lora_B.weight"] = b.detach().half().contiguous()
    save_file(tensors, out / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct",
              "r": options.rank, "lora_alpha": options.alpha, "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": False,
              "inference_mode": True, "modules_to_save": None, "target_modules": sorted(SITES), "use_rslora": False,
              "use_dora": False, "rank_pattern": {}, "alpha_pattern": {},
              "layers_to_transform": list(range(master.below, len(master.layers))), "layers_pattern": None}
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file({"embedding": master.rows.detach().float().contiguous()}, out / "functional_tokens.safetensors")
    digest = hashlib.sha256(pathlib.Path(options.model).read_bytes()).hexdigest()
    card = {"version": 1, "trunk_sha256": digest, "temperature": round(temperature, 4),
            "tokens": [{"token": t, "description": d} for t, d in DESCRIPTIONS.items()]}
    (out / "functional_tokens.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")


DESCRIPTIONS = {
    "<python>": "Python, the language and its libraries",
    "<swift>": "Swift, the language and its frameworks",
    "<french>": "in French, or about French",
    "<german>": "in German, or about German",
    "<spanish>": "in Spanish, or about Spanish",
    "<scripture>": "the Bible: persons, books, verses",
    "<glossary>": "the meaning of English words",
    "<manual>": "Unix commands, system calls, file formats",
    "<math>": "calculating, proving, word problems",
    "<general>": "all that no other node is for",
    "<unsafe>": "would harm somebody",
    "<unanswerable>": "needs what nobody could know from the query",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--queries", default="master.jsonl")
    parser.add_argument("--out", default="experts/smollm2-135m-instruct/master")
    parser.add_argument("--start", help="a folder of the same layers and rank to go on from")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--row-rate", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--argument-share", type=float, default=0.12)
    parser.add_argument("--argument-weight", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    chance = random.Random(options.seed)
    prompt, tokens = Prompt(options.model), list(DESCRIPTIONS)
    master = Master(options, prompt, tokens)
    vocabulary = master.embedding.shape[0]
    if options.start:
        master.read(options.start)
    data = Data(options.queries, prompt, tokens, vocabulary, options.argument_share, chance)
    head, fit = train(master, data, options, vocabulary, chance)
    logits, mass = decide(master, fit, head)
    temperature = temperature_of(logits, torch.tensor([i["node"] for i in fit]))
    print(f"temperature {temperature:.4f}, mean functional mass {mass.mean().item():.4f}")
    write(master, options, temperature)


if __name__ == "__main__":
    main()
