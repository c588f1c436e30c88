"""Makes the golden of OpenMoE for InferenceTests with a port of its published PyTorch code to plain torch (f32, CPU), written for this test:
transformers has no OpenMoE.

    python make_openmoe_golden.py

Needs: torch, safetensors. Writes mixture/openmoe/ beside this file: a small random model (config.json, model.safetensors) whose second and
fourth layers are mixtures, and golden.json as make_mixture_goldens.py has it. What differs from Llama: a gate of twice the width, halves g1 and
g2, FFN(x) = W_down((g1 silu(g2)) W_up x); attention's scale is 1; router weights are raw probabilities; after a mixture comes
x += extra_mlp(norm(x)); expert stacks are [E, in, out].
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import silu

FOLDER = Path(__file__).parent / "mixture" / "openmoe"
V, H, LAYERS, INTERVAL, HEADS, D, F, E, K = 64, 32, 4, 2, 2, 32, 16, 5, 2


def floats(values):
    return [float(f"{float(v):.8g}") for v in values]


def weights():
    def matrix(inputs, *shape):
        return (torch.randn(*shape) * inputs ** -0.5 * 1.2).bfloat16()

    def norm():
        return (1 + 0.2 * torch.randn(H)).bfloat16()

    state = {"model.embed_tokens.weight": matrix(1, V, H), "model.norm.weight": norm(), "lm_head.weight": matrix(H, V, H)}
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        state[p + "input_layernorm.weight"], state[p + "post_attention_layernorm.weight"] = norm(), norm()
        # Without a scale the scores would be large: the weights make up for it, as training does.
        for name, factor in (("q", 0.45), ("k", 0.45), ("v", 1.0)):
            state[p + f"self_attn.{name}_proj.weight"] = (matrix(H, HEADS * D, H).float() * factor).bfloat16()
        state[p + "self_attn.o_proj.weight"] = matrix(HEADS * D, H, HEADS * D)
        moe = (i + 1) % INTERVAL == 0
        module = "extra_mlp" if moe else "mlp"
        state[p + f"{module}.gate_proj.weight"] = matrix(H, 2 * F, H)
        state[p + f"{module}.up_proj.weight"] = matrix(H, F, H)
        state[p + f"{module}.down_proj.weight"] = matrix(F, H, F)
        if moe:
            state[p + "pre_extra_mlp_layernorm.weight"] = norm()
            state[p + "mlp.gate_weight"] = matrix(H, E, H)
            state[p + "mlp.experts.wi_gate"] = matrix(H, E, H, 2 * F)
            state[p + "mlp.experts.wi_up"] = matrix(H, E, H, F)
            state[p + "mlp.experts.wo"] = matrix(F, E, F, H)
    return state


def rms_norm(x, weight):
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


def gated(gate, up):
    first, second = gate.chunk(2, -1)
    return (first * silu(second)) * up


def rotate(x):
    """[T, heads, D], rotate-half, theta 1e4."""
    inverse = 1.0 / (10000.0 ** (torch.arange(0, D, 2).float() / D))
    angles = torch.outer(torch.arange(x.shape[0]).float(), inverse)
    angles = torch.cat((angles, angles), -1)[:, None]
    left, right = x.chunk(2, -1)
    return x * angles.cos() + torch.cat((-right, left), -1) * angles.sin()


def forward(ids, w):
    x, routed = w["model.embed_tokens.weight"][ids], []
    mask = torch.full((len(ids), len(ids)), float("-inf")).triu(1)
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        n = rms_norm(x, w[p + "input_layernorm.weight"])
        q, k, v = ((n @ w[p + f"self_attn.{name}_proj.weight"].T).reshape(len(ids), HEADS, D) for name in "qkv")
        scores = torch.einsum("thd,shd->hts", rotate(q), rotate(k)) + mask
        a = torch.einsum("hts,shd->thd", torch.softmax(scores, -1), v).reshape(len(ids), HEADS * D)
        x = x + a @ w[p + "self_attn.o_proj.weight"].T
        n = rms_norm(x, w[p + "post_attention_layernorm.weight"])
        module = "mlp"
        if p + "mlp.gate_weight" in w:
            chances, chosen = torch.topk(torch.softmax(n @ w[p + "mlp.gate_weight"].T, -1), K)
            y = torch.zeros_like(x)
            for t in range(len(ids)):
                for chance, e in zip(chances[t], chosen[t]):
                    hidden = gated(n[t] @ w[p + "mlp.experts.wi_gate"][e], n[t] @ w[p + "mlp.experts.wi_up"][e])
                    y[t] += chance * (hidden @ w[p + "mlp.experts.wo"][e])
            x = x + y
            order = torch.argsort(chosen, -1)
            routed.append({"layer": i, "experts": chosen.gather(-1, order).tolist(),
                           "weights": [floats(row) for row in chances.gather(-1, order)]})
            n, module = rms_norm(x, w[p + "pre_extra_mlp_layernorm.weight"]), "extra_mlp"
        hidden = gated(n @ w[p + f"{module}.gate_proj.weight"].T, n @ w[p + f"{module}.up_proj.weight"].T)
        x = x + hidden @ w[p + f"{module}.down_proj.weight"].T
    return rms_norm(x, w["model.norm.weight"]) @ w["lm_head.weight"].T, routed


torch.manual_seed(2402)
torch.set_num_threads(1)
state = weights()
ids = torch.cat((torch.tensor([0]), torch.randint(2, V, (39,))))
logits, routed = forward(ids, {name: value.float() for name, value in state.items()})
shutil.rmtree(FOLDER, ignore_errors=True)
FOLDER.mkdir(parents=True)
save_file({name: value.contiguous() for name, value in state.items()}, FOLDER / "model.safetensors", metadata={"format": "pt"})
(FOLDER / "config.json").write_text(json.dumps({
    "architectures": ["OpenMoeForCausalLM"], "model_type": "llama", "vocab_size": V, "hidden_size": H, "intermediate_size": F,
    "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": HEADS, "head_dim": D, "hidden_act": "swiglu",
    "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0,
    "tie_word_embeddings": False, "num_experts": E, "moe_layer_interval": INTERVAL, "router_topk": K,
    "router_capacity_factor_train": 1.25, "router_capacity_factor_eval": 2.0, "router_min_capacity": 4, "router_drop_tks": True,
}, indent=2) + "\n")
rows = [{"position": p, "logits": floats(logits[p])} for p in (0, 1, 7, 15, 16, 31, 38, 39)]
(FOLDER / "golden.json").write_text(json.dumps(
    {"ids": ids.tolist(), "rows": rows, "routed": routed}, separators=(",", ":")) + "\n")
print(f"mixture/openmoe: {sum(f.stat().st_size for f in FOLDER.iterdir())} bytes, logits in {logits.min():.2f} ... {logits.max():.2f}")
