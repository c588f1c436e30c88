#!/usr/bin/env python3
"""Makes every file beside it. Needs gguf, numpy, torch, safetensors and transformers; the tests need none of them.

    make_goldens.py path/to/SmolLM2-135M-Instruct.Q4_1.gguf

The oracles are code that nobody here wrote: gguf-py dequantises and writes GGUF, transformers and safetensors write
models and undo llama.cpp's permutation of query and key rows.
"""

import hashlib
import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, Qwen2Config
from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

HERE = Path(__file__).parent
T = gguf.GGMLQuantizationType
# In the order of ElementType.allCases.
TYPES = [T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q4_K, T.Q5_K, T.Q6_K]
# Where the half-precision scales of a block begin.
SCALES = {T.Q8_0: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q4_K: [0, 2], T.Q5_K: [0, 2],
          T.Q6_K: [208]}
ROWS, COLUMNS = 2, 512


def finite_halves(rng, count):
    """Random bit patterns without infinities and NaNs, subnormals included."""
    bits = rng.integers(0, 1 << 16, count, dtype=np.uint16)
    bits[(bits & 0x7C00) == 0x7C00] &= 0x83FF
    bits[: count // 8] &= 0x83FF
    return bits


def random_rows(rng, kind):
    """Bytes [ROWS, row bytes] that no quantiser chose: every integer and sign of scale may appear."""
    if kind == T.F32:
        return rng.standard_normal((ROWS, COLUMNS), dtype=np.float32).view(np.uint8)
    if kind == T.F16:
        return finite_halves(rng, ROWS * COLUMNS).reshape(ROWS, COLUMNS).view(np.uint8)
    if kind == T.BF16:
        bits = rng.integers(0, 1 << 16, (ROWS, COLUMNS), dtype=np.uint16)
        bits[(bits & 0x7F80) == 0x7F80] &= 0x807F
        return bits.view(np.uint8)
    size, width = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (ROWS * COLUMNS // size, width), dtype=np.uint8)
    for place in SCALES[kind]:
        blocks[:, place : place + 2] = finite_halves(rng, len(blocks)).reshape(-1, 1).view(np.uint8)
    return blocks.reshape(ROWS, -1)


def make_types():
    rng = np.random.default_rng(20240601)
    writer = gguf.GGUFWriter(HERE / "types.gguf", "types")
    for name, value in {"uint8": 200, "int8": -100, "uint16": 60000, "int16": -30000, "uint32": 4000000000,
                        "int32": -2000000000, "uint64": 1 << 63, "int64": -(1 << 62), "float32": 0.1,
                        "float64": 0.1, "bool": True}.items():
        getattr(writer, f"add_{name}")(f"test.{name}", value)
    writer.add_string("test.string", "grüße 🦆")
    writer.add_array("test.strings", ["", "a", "grüße", "🦆" * 20])
    writer.add_array("test.integers", [3, -4, 5])
    writer.add_array("test.floats", [0.5, -0.25])
    writer.add_array("test.booleans", [True, False, True])
    expected = []
    for kind in TYPES:
        rows = random_rows(rng, kind)
        with np.errstate(all="ignore"):
            expected.append(dequantize(rows, kind).astype(np.float32).reshape(ROWS, COLUMNS))
        data = rows.view({T.F32: np.float32, T.F16: np.float16}.get(kind, np.uint8))
        writer.add_tensor(kind.name, data, raw_dtype=kind)
    close(writer)
    np.concatenate(expected).astype("<f4").tofile(HERE / "types.f32")


def close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def permute(weights, heads):
    """As LlamaModel.permute in llama.cpp's convert_hf_to_gguf.py."""
    return (weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
            .swapaxes(1, 2).reshape(weights.shape))


def tiny_llama():
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=48, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, attention_bias=True, tie_word_embeddings=False,
        rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
        rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 32})
    model = LlamaForCausalLM(config)
    model.generation_config.eos_token_id = [2, 5]
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.5)
        if parameter.dim() == 2:  # what Q8_0 can hold exactly, so that both formats hold the same numbers
            stored = quantize(parameter.detach().numpy(), T.Q8_0)
            parameter.data.copy_(torch.from_numpy(dequantize(stored, T.Q8_0)))
    return config, model


def write_gguf(config, model):
    writer = gguf.GGUFWriter(HERE / "tiny-llama.gguf", "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_eot_token_id(5)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, parameter in model.state_dict().items():
        data = parameter.numpy()
        for module, count in heads.items():
            if module in name:
                permuted = permute(data, count)
                undone = LlamaTensorProcessor()._reverse_permute_weights(permuted, count, count)
                assert np.array_equal(undone, data), name
                data = permuted
        stored = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if data.ndim == 2:
            writer.add_tensor(stored, quantize(data, T.Q8_0), raw_dtype=T.Q8_0)
        else:
            writer.add_tensor(stored, data.astype(np.float32))
    writer.add_tensor("rope_freqs.weight", np.array([1, 2, 4, 8], dtype=np.float32))
    close(writer)


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f4").tobytes()).hexdigest()


def make_tiny():
    config, model = tiny_llama()
    model.save_pretrained(HERE / "tiny-llama")
    write_gguf(config, model)
    brain = model.to(torch.bfloat16)
    brain.save_pretrained(HERE / "tiny-sharded", max_shard_size="16KB")
    halves = {name: tensor.to(torch.float16) for name, tensor in list(brain.state_dict().items())[:3]}
    halves["position_ids"] = torch.arange(8)
    save_file(halves, HERE / "halves.safetensors", metadata={"format": "pt"})
    return {"sharded": {name: sha256(tensor.float().numpy()) for name, tensor in brain.state_dict().items()},
            "halves": {name: sha256(tensor.float().numpy()) for name, tensor in halves.items()
                       if tensor.is_floating_point()}}


def make_configurations():
    yarn = {"rope_type": "yarn", "rope_theta": 1000000.0, "factor": 4.0, "original_max_position_embeddings": 32768}
    Qwen2Config(architectures=["Qwen2ForCausalLM"], rope_parameters=yarn, max_position_embeddings=131072,
                num_key_value_heads=8, eos_token_id=151645).save_pretrained(HERE / "qwen2")
    MistralConfig(architectures=["MistralForCausalLM"], sliding_window=4096).save_pretrained(HERE / "mistral")


def make_default_model(path):
    reader = gguf.GGUFReader(path)
    heads = {"attn_q": 9, "attn_k": 3}
    names = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
    for layer in (0, 29):
        for stored, name in {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
                             "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
                             "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
                             "ffn_norm": "post_attention_layernorm"}.items():
            names[f"blk.{layer}.{stored}.weight"] = f"model.layers.{layer}.{name}.weight"
    digests = {}
    for tensor in reader.tensors:
        if tensor.name in names:
            data = dequantize(tensor.data, tensor.tensor_type)
            for module, count in heads.items():
                if f".{module}." in tensor.name:
                    data = LlamaTensorProcessor()._reverse_permute_weights(data, 9, count)
            digests[names[tensor.name]] = sha256(data)
    return digests


def main():
    make_types()
    digests = make_tiny()
    make_configurations()
    digests["defaultModel"] = make_default_model(sys.argv[1])
    (HERE / "digests.json").write_text(json.dumps(digests, indent=1) + "\n")


main()
