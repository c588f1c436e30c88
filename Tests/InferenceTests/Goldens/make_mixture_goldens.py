"""Makes the goldens of mixture-of-experts models for InferenceTests with transformers (f32, CPU): nothing here is Skein's.

    python make_mixture_goldens.py

Needs: transformers, torch, safetensors, gguf. Made with transformers 5.23. Writes, beside this file,
    mixture/NAME/            small random models of each family (config.json, model.safetensors; "-fused" as transformers has
                             experts in memory), and
    mixture/NAME/golden.json their logits, and the experts and weights that every token gets in every mixture layer
    mixture/NAME/model.gguf  of some, the same weights as llama.cpp has them (gguf-py)
"""

import json
import shutil
from pathlib import Path

import gguf
import numpy
import torch
from safetensors.torch import save_file
from transformers import (MixtralConfig, MixtralForCausalLM, OlmoeConfig, OlmoeForCausalLM, Qwen2MoeConfig,
                          Qwen2MoeForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM)

HERE = Path(__file__).parent


def floats(values):
    return [float(f"{float(v):.8g}") for v in values]


def make(name, model_class, config, fused=False):
    """A random model whose weights are exact in bf16, and what it makes of 40 random tokens in f32."""
    torch.manual_seed(sum(name.encode()))
    model = model_class(config).float().eval()
    routed = {}

    def listen(layer):
        def hook(_, __, output):
            _, weights, ids = output
            ids, order = torch.sort(ids, -1)
            routed[layer] = {"layer": layer, "experts": ids.tolist(),
                             "weights": [floats(row) for row in weights.gather(-1, order)]}
        return hook

    with torch.no_grad():
        for key, value in model.named_parameters():
            if value.ndim == 1:
                centre = 0.0 if key.endswith("bias") else 1.0
                value.copy_(centre + 0.2 * torch.randn_like(value))
            else:
                value.copy_(torch.randn_like(value) * value.shape[-1] ** -0.5 * 1.4)
            value.copy_(value.bfloat16().float())
        for index, layer in enumerate(model.model.layers):
            if hasattr(layer.mlp, "gate"):
                layer.mlp.gate.register_forward_hook(listen(index))
        ids = torch.randint(0, config.vocab_size, (40,))
        logits = model(ids[None]).logits[0]
    folder = HERE / "mixture" / name
    shutil.rmtree(folder, ignore_errors=True)
    model.bfloat16().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if fused:
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors",
                  metadata={"format": "pt"})
    rows = [{"position": p, "logits": floats(logits[p])} for p in (0, 1, 7, 15, 16, 31, 38, 39)]
    (folder / "golden.json").write_text(json.dumps(
        {"ids": ids.tolist(), "rows": rows, "routed": list(routed.values())}, separators=(",", ":")) + "\n")
    size = sum(f.stat().st_size for f in folder.iterdir())
    model.float()
    print(f"mixture/{name}: {size} bytes, layers {list(routed)}, logits in {logits.min():.2f} ... {logits.max():.2f}")
    return model


def write_gguf(name, arch, model, config, experts, used, width):
    """The names, shapes and orders of llama.cpp's conversion; matrices in BF16, vectors and routers in F32."""
    writer = gguf.GGUFWriter(HERE / "mixture" / name / "model.gguf", arch)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_expert_count(experts)
    writer.add_expert_used_count(used)
    if width != config.intermediate_size:
        writer.add_expert_feed_forward_length(width)

    def add(target, value):
        value = value.float()
        if value.ndim == 1 or "ffn_gate_inp" in target:
            return writer.add_tensor(target, value.reshape(-1).numpy() if "shexp" in target else value.numpy())
        data = value.bfloat16().view(torch.int16).numpy().view(numpy.uint8)
        writer.add_tensor(target, data, raw_dtype=gguf.GGMLQuantizationType.BF16)

    def permute(value, heads):
        if arch != "llama":
            return value
        return value.reshape(heads, 2, value.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(value.shape)

    state = model.state_dict()
    add("token_embd.weight", state["model.embed_tokens.weight"])
    add("output_norm.weight", state["model.norm.weight"])
    add("output.weight", state["lm_head.weight"])
    plain = {"input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "ffn_norm.weight",
             "self_attn.v_proj.weight": "attn_v.weight", "self_attn.o_proj.weight": "attn_output.weight",
             "self_attn.q_proj.bias": "attn_q.bias", "self_attn.k_proj.bias": "attn_k.bias", "self_attn.v_proj.bias": "attn_v.bias",
             "self_attn.q_norm.weight": "attn_q_norm.weight", "self_attn.k_norm.weight": "attn_k_norm.weight",
             "mlp.gate.weight": "ffn_gate_inp.weight", "mlp.shared_expert_gate.weight": "ffn_gate_inp_shexp.weight",
             "mlp.experts.down_proj": "ffn_down_exps.weight"}
    for part in ("gate", "up", "down"):
        plain[f"mlp.{part}_proj.weight"] = f"ffn_{part}.weight"
        plain[f"mlp.shared_expert.{part}_proj.weight"] = f"ffn_{part}_shexp.weight"
    for layer in range(config.num_hidden_layers):
        for key, value in state.items():
            if not key.startswith(f"model.layers.{layer}."):
                continue
            key, block = key.removeprefix(f"model.layers.{layer}."), f"blk.{layer}."
            if key in plain:
                add(block + plain[key], value)
            elif key == "self_attn.q_proj.weight":
                add(block + "attn_q.weight", permute(value, config.num_attention_heads))
            elif key == "self_attn.k_proj.weight":
                add(block + "attn_k.weight", permute(value, config.num_key_value_heads))
            elif key == "mlp.experts.gate_up_proj":
                add(block + "ffn_gate_exps.weight", value[:, :width].contiguous())
                add(block + "ffn_up_exps.weight", value[:, width:].contiguous())
            else:
                raise SystemExit(f"{name}: what is {key} in GGUF?")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


base = dict(vocab_size=64, hidden_size=32, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2,
            num_key_value_heads=1, head_dim=16, max_position_embeddings=64, bos_token_id=None, eos_token_id=None,
            pad_token_id=None, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
qwen = base | dict(intermediate_size=48, moe_intermediate_size=16, num_experts=6, num_experts_per_tok=3)
torch.set_num_threads(2)
model = make("mixtral", MixtralForCausalLM, MixtralConfig(**base, num_local_experts=5))
write_gguf("mixtral", "llama", model, model.config, experts=5, used=2, width=16)
make("mixtral-fused", MixtralForCausalLM, MixtralConfig(**base | dict(num_hidden_layers=2), num_local_experts=5), fused=True)
model = make("qwen2moe", Qwen2MoeForCausalLM, Qwen2MoeConfig(**qwen, shared_expert_intermediate_size=32, mlp_only_layers=[1]))
write_gguf("qwen2moe", "qwen2moe", model, model.config, experts=6, used=3, width=16)
make("qwen2moe-norm", Qwen2MoeForCausalLM, Qwen2MoeConfig(
    **qwen | dict(num_hidden_layers=2), shared_expert_intermediate_size=32, norm_topk_prob=True, qkv_bias=False, decoder_sparse_step=2))
model = make("qwen3moe-fused", Qwen3MoeForCausalLM, Qwen3MoeConfig(**qwen, norm_topk_prob=True, mlp_only_layers=[0]), fused=True)
write_gguf("qwen3moe-fused", "qwen3moe", model, model.config, experts=6, used=3, width=16)
make("olmoe", OlmoeForCausalLM, OlmoeConfig(**base | dict(num_key_value_heads=2), num_experts=6, num_experts_per_tok=3, clip_qkv=0.7))
