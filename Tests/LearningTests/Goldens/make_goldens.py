"""Gradients of a tiny Llama model with grouped queries, LoRA pairs, PHATGOOSE gates and new vocabulary rows, by torch in double
precision, and what torch's AdamW makes of them in six steps. Deterministic. Writes trunk/ (config.json, model.safetensors),
gradients.safetensors and steps.safetensors beside this script; arguments are ignored."""
import json
import os
import pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

folder = str(pathlib.Path(__file__).resolve().parent)
torch.manual_seed(7)
config = LlamaConfig(vocab_size=48, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4,
                     num_key_value_heads=2, head_dim=8, max_position_embeddings=64, tie_word_embeddings=True,
                     rms_norm_eps=1e-5, rope_theta=10000.0)
config._attn_implementation = "eager"
model = LlamaForCausalLM(config)
with torch.no_grad():
    for name, p in model.named_parameters():
        p.copy_(1 + 0.1 * torch.randn_like(p) if "norm" in name else 0.3 * torch.randn_like(p))
os.makedirs(folder + "/trunk", exist_ok=True)
state = {k: v.contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
save_file(state, folder + "/trunk/model.safetensors")
json.dump({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 48, "hidden_size": 32,
           "intermediate_size": 56, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
           "head_dim": 8, "max_position_embeddings": 64, "tie_word_embeddings": True, "rms_norm_eps": 1e-5,
           "rope_theta": 10000.0, "hidden_act": "silu"}, open(folder + "/trunk/config.json", "w"), indent=1)
model = model.double()
NEW, RANK, SCALE = 3, 4, 1.5
out = {}
rows = (0.3 * torch.randn(NEW, 32)).float()
out["embed_tokens.new_rows"] = rows
table = torch.cat([model.model.embed_tokens.weight.detach(), rows.double()])
model.model.embed_tokens = torch.nn.Embedding(48 + NEW, 32).double()
model.lm_head = torch.nn.Linear(32, 48 + NEW, bias=False).double()
with torch.no_grad():
    model.model.embed_tokens.weight.copy_(table)
model.lm_head.weight = model.model.embed_tokens.weight
for p in model.parameters():
    p.requires_grad_(False)
model.model.embed_tokens.weight.requires_grad_(True)
learned = {}


class Site(torch.nn.Module):
    def __init__(self, base, path):
        super().__init__()
        self.base = base
        n, m = base.weight.shape
        name = "base_model.model." + path
        for key, shape in (("lora_A.weight", (RANK, m)), ("lora_B.weight", (n, RANK)), ("phatgoose_gate.weight", (m,))):
            value = (0.3 * torch.randn(*shape)).float()
            out[f"{name}.{key}"] = value
            learned[f"{name}.{key}"] = torch.nn.Parameter(value.double())
        self.a, self.b, self.v = (learned[f"{name}.{k}"] for k in ("lora_A.weight", "lora_B.weight", "phatgoose_gate.weight"))
        self.gated = True

    def forward(self, u):
        x = torch.sigmoid(u @ self.v)[..., None] * u if self.gated else u
        return self.base(u) + SCALE * (x @ self.a.T) @ self.b.T


sites = []
for i, layer in enumerate(model.model.layers):
    for parent, block in ((layer.self_attn, "self_attn"), (layer.mlp, "mlp")):
        for name in ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"):
            if hasattr(parent, name):
                site = Site(getattr(parent, name), f"model.layers.{i}.{block}.{name}")
                setattr(parent, name, site)
                sites.append(site)
blocks = [torch.randint(0, 48 + NEW, (n,)) for n in (17, 12, 9)]
masks = [torch.rand(len(b)) < 0.7 for b in blocks]
blocks[0][5], blocks[1][3], blocks[2][8] = 48, 49, 50
masks[0][6] = masks[2][8] = True


def loss():
    total, count = 0, 0
    for b, m in zip(blocks, masks):
        logits = model(b[None]).logits[0, :-1]
        each = torch.nn.functional.cross_entropy(logits, b[1:], reduction="none")
        total = total + (each * m[1:]).sum()
        count += int(m[1:].sum())
    return total / count, count


for gated in (True, False):
    for site in sites:
        site.gated = gated
    for p in list(learned.values()) + [model.model.embed_tokens.weight]:
        p.grad = None
    value, count = loss()
    value.backward()
    head = "gated." if gated else "plain."
    out[head + "loss"] = torch.tensor([value.item(), count], dtype=torch.float32)
    out[head + "embed_tokens.new_rows"] = model.model.embed_tokens.weight.grad[48:].float()
    for name, p in learned.items():
        if p.grad is not None:
            out[head + name] = p.grad.float()
for i, (b, m) in enumerate(zip(blocks, masks)):
    out[f"block.{i}"] = b.float()
    out[f"mask.{i}"] = m.float()
save_file({k: v.contiguous() for k, v in out.items()}, folder + "/gradients.safetensors")

# Six steps of everything but the trunk's own rows: clipped to 0.5, warmed up over two steps, weight decay 0.1.
for site in sites:
    site.gated = True
table = model.model.embed_tokens.weight
trained = list(learned.values()) + [table]
optimiser = torch.optim.AdamW(trained, lr=0.02, weight_decay=0.1, eps=1e-8)
steps = {}
for step in range(1, 7):
    for group in optimiser.param_groups:
        group["lr"] = 0.02 * min(1, step / 2)
    for p in trained:
        p.grad = None
    before = table.detach()[:48].clone()
    value, _ = loss()
    value.backward()
    table.grad[:48] = 0
    norm = torch.nn.utils.clip_grad_norm_(trained, 0.5)
    optimiser.step()
    with torch.no_grad():
        table[:48] = before
    steps[f"step.{step}"] = torch.tensor([value.item(), norm.item()], dtype=torch.float32)
for name, p in learned.items():
    steps[name] = p.detach().float()
steps["embed_tokens.new_rows"] = table.detach()[48:].float()
save_file({k: v.contiguous() for k, v in steps.items()}, folder + "/steps.safetensors")
