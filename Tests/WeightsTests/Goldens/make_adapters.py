#!/usr/bin/env python3
"""Makes adapters/ beside it with peft and gguf-py, on the tiny Llama of tiny-llama/; the tests need neither.

selections.json: configurations, and the rank and scale that peft gives each module it chooses.
patterned/: a folder that peft saved, with deltas.json: s B A by peft. lora.gguf: the same pairs as llama.cpp stores them.
"""

import json
import os
import shutil
import sys
from pathlib import Path

# peft keeps names in sets and saves them in the order that comes of it: the same one each time.
if os.environ.get("PYTHONHASHSEED") != "0":
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})

import gguf
import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

HERE = Path(__file__).parent
OUT = HERE / "adapters"

CASES = {
    "endings": dict(target_modules=["q_proj", "mlp.down_proj"]),
    "whole path": dict(target_modules=["model.layers.1.self_attn.k_proj"]),
    "regular expression": dict(target_modules=r".*\.layers\.[0-9]+\.(self_attn\.[qk]|mlp\.up)_proj"),
    "with a boundary": dict(target_modules=r"(?:.*?(?:layers\.1).*?(?:self_attn|mlp).*?(?:q_proj|gate_proj).*?)|(?:\bmodel\.layers\.[\d]{1,}\.mlp\.(?:(?:up_proj|down_proj)))"),
    "all linear": dict(target_modules="all-linear"),
    "excluded endings": dict(target_modules="all-linear", exclude_modules=["o_proj", "layers.0.mlp.up_proj"]),
    "excluded pattern": dict(target_modules=["q_proj", "v_proj"], exclude_modules=r".*layers\.0.*"),
    "one layer": dict(target_modules=["q_proj", "up_proj"], layers_to_transform=1),
    "listed layers": dict(target_modules=["q_proj", "up_proj"], layers_to_transform=[0], layers_pattern="layers"),
    "another list": dict(target_modules=["q_proj"], layers_to_transform=[0, 1], layers_pattern=["blocks", "layers"]),
    "ranks and alphas": dict(target_modules=["q_proj", "k_proj", "down_proj"], r=4, lora_alpha=6,
                             rank_pattern={"q_proj": 2, r"layers\.1\.mlp\.down_proj": 8, "^model.layers.0.self_attn.k_proj": 3},
                             alpha_pattern={"down_proj": 5, r".*\.0\.self_attn\.k_proj": 1}),
    "rank stabilised": dict(target_modules=["v_proj", "o_proj"], r=8, lora_alpha=3, use_rslora=True,
                            rank_pattern={"o_proj": 5}),
    "fan in": dict(target_modules=["v_proj"], fan_in_fan_out=False, lora_dropout=0.25, init_lora_weights="gaussian"),
}


def model():
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig.from_json_file(HERE / "tiny-llama" / "config.json")).float()


def adapted(**options):
    return get_peft_model(model(), LoraConfig(task_type="CAUSAL_LM", **options))


def chosen(peft):
    found = {}
    for name, module in peft.base_model.model.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            found[name] = [module.r["default"], module.scaling["default"]]
    return found


def selections():
    result = {}
    for name, options in CASES.items():
        peft = adapted(**options)
        folder = OUT / "saved"
        # Saving replaces a pattern by the list it stands for on this model; the pattern is what is to be read.
        peft.save_pretrained(folder)
        saved = json.loads((folder / "adapter_config.json").read_text())
        if isinstance(options["target_modules"], str):
            saved["target_modules"] = options["target_modules"]
        result[name] = {"config": saved, "sites": chosen(peft)}
        shutil.rmtree(folder)
    (OUT / "selections.json").write_text(json.dumps(result, indent=1, sort_keys=True))


def permuted(weight, heads):
    """llama.cpp's order: what transformers' reader turns back."""
    rows = weight.shape[0]
    back = LlamaTensorProcessor()._reverse_permute_weights(np.arange(rows)[:, None].repeat(2, 1), heads, heads)[:, 0]
    stored = np.empty_like(weight)
    stored[back] = weight
    return stored


def patterned():
    peft = adapted(**CASES["ranks and alphas"])
    generator = torch.Generator().manual_seed(7)
    deltas = {}
    for name, module in peft.base_model.model.named_modules():
        if not (hasattr(module, "lora_A") and "default" in module.lora_A):
            continue
        for part in (module.lora_A, module.lora_B):
            weight = part["default"].weight
            weight.data = torch.randn(weight.shape, generator=generator).half().float()
        deltas[name] = [round(float(x), 5) for x in module.get_delta_weight("default").flatten()[::37]]
    peft.half().save_pretrained(OUT / "patterned")
    for extra in ("README.md",):
        (OUT / "patterned" / extra).unlink(missing_ok=True)
    (OUT / "deltas.json").write_text(json.dumps(deltas, sort_keys=True))


def ggufs():
    """One rank and alpha, as the format has it; queries and keys in llama.cpp's order."""
    peft = adapted(target_modules=["q_proj", "k_proj", "down_proj"], r=4, lora_alpha=6)
    writer = gguf.GGUFWriter(OUT / "lora.gguf", "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 6.0)
    generator = torch.Generator().manual_seed(8)
    names = {"self_attn.q_proj": ("attn_q", 4), "self_attn.k_proj": ("attn_k", 2), "mlp.down_proj": ("ffn_down", 0)}
    deltas = {}
    for name, module in peft.base_model.model.named_modules():
        if not (hasattr(module, "lora_A") and "default" in module.lora_A):
            continue
        for part in (module.lora_A, module.lora_B):
            part["default"].weight.data = torch.randn(part["default"].weight.shape, generator=generator).half().float()
        _, _, layer, rest = name.split(".", 3)
        stored, heads = names[rest]
        a = module.lora_A["default"].weight.detach().numpy().astype(np.float16)
        b = module.lora_B["default"].weight.detach().numpy().astype(np.float16)
        writer.add_tensor(f"blk.{layer}.{stored}.weight.lora_a", a)
        writer.add_tensor(f"blk.{layer}.{stored}.weight.lora_b", permuted(b, heads) if heads else b)
        deltas[name] = [round(float(x), 5) for x in module.get_delta_weight("default").flatten()[::37]]
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (OUT / "gguf-deltas.json").write_text(json.dumps(deltas, sort_keys=True))


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    selections()
    patterned()
    ggufs()
