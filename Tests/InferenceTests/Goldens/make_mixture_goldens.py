"""Makes the goldens of mixture-of-experts models for InferenceTests with transformers (f32, CPU): nothing here is Skein's.

    python make_mixture_goldens.py

Needs: transformers, torch, safetensors. Made with transformers 5.23. Writes, beside this file,
    mixture/NAME/            small random models of each family (config.json, model.safetensors; "-fused" as transformers has
                             experts in memory), and
    mixture/NAME/golden.json their logits, and the experts and weights that every token gets in every mixture layer
"""

import json
import shutil
from pathlib import Path

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
    print(f"mixture/{name}: {size} bytes, layers {list(routed)}, logits in {logits.min():.2f} ... {logits.max():.2f}")


base = dict(vocab_size=64, hidden_size=32, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2,
            num_key_value_heads=1, head_dim=16, max_position_embeddings=64, bos_token_id=None, eos_token_id=None,
            pad_token_id=None, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
qwen = base | dict(intermediate_size=48, moe_intermediate_size=16, num_experts=6, num_experts_per_tok=3)
torch.set_num_threads(2)
make("mixtral", MixtralForCausalLM, MixtralConfig(**base, num_local_experts=5))
make("mixtral-fused", MixtralForCausalLM, MixtralConfig(**base | dict(num_hidden_layers=2), num_local_experts=5), fused=True)
make("qwen2moe", Qwen2MoeForCausalLM, Qwen2MoeConfig(**qwen, shared_expert_intermediate_size=32, mlp_only_layers=[1]))
make("qwen2moe-norm", Qwen2MoeForCausalLM, Qwen2MoeConfig(
    **qwen | dict(num_hidden_layers=2), shared_expert_intermediate_size=32, norm_topk_prob=True, qkv_bias=False, decoder_sparse_step=2))
make("qwen3moe-fused", Qwen3MoeForCausalLM, Qwen3MoeConfig(**qwen, norm_topk_prob=True, mlp_only_layers=[0]), fused=True)
make("olmoe", OlmoeForCausalLM, OlmoeConfig(**base | dict(num_key_value_heads=2), num_experts=6, num_experts_per_tok=3, clip_qkv=0.7))
