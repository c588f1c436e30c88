"""Times llama.cpp (through llama-cpp-python's low-level API) on GGUF files, for comparison with Skein.

    python measure_llama_cpp.py MODEL.gguf… [--threads 2] [--prefill 512] [--decode 64] [--repeats 7] [--ids FILE]
    python measure_llama_cpp.py --serve MODEL.gguf… [--threads 2] [--context N]     one figure at a time, for `skein bench engine`
    python measure_llama_cpp.py --serve MODEL.gguf --lora PEFT_FOLDER… --scratch FOLDER     the same with adapters, for `skein bench routing`
    python measure_llama_cpp.py --convert MODEL.gguf FOLDER      writes FOLDER/NAME.F32.gguf and FOLDER/NAME.Q8_0.gguf

Prints one JSON object per run: for every file, tokens per second of each repeat. Prefill is one batch of the ids from an empty
cache, logits of the last position only; decode is greedy, one stream, after a prompt of the first 16 ids. The first repeat
of each is a warm-up and is not reported. Files take turns within a repeat, so that a change of clock speed meets them all.

With --serve it prints {"version": …, "models": [file, …]} when all are loaded (those of --convert after those given), then
answers each line of standard input, {"measure": "prefill" | "decode", "model": index, "ids": [id, …], "count": tokens to decode},
with a line {"tokensPerSecond": x}.
Adapters are converted to one of llama.cpp's (F16, rows of q and k in its order), all active at their own scale.
Needs: llama-cpp-python; with --lora also gguf and safetensors.
"""

import argparse
import ctypes
import json
import pathlib
import sys
import time

import llama_cpp
import numpy


@llama_cpp.llama_log_callback
def silence(level, text, data):
    pass


llama_cpp.llama_log_set(silence, ctypes.c_void_p(0))


def convert(source: str, folder: str):
    """Requantises; from Q4_1 this adds no information, it only changes the kernels that run."""
    written = []
    kinds = {"F32": llama_cpp.LLAMA_FTYPE_ALL_F32, "Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0}
    for name, kind in kinds.items():
        stem = pathlib.Path(source).name.split(".")[0]
        target = pathlib.Path(folder) / f"{stem}.{name}.gguf"
        parameters = llama_cpp.llama_model_quantize_default_params()
        parameters.ftype = kind
        parameters.allow_requantize = True
        status = llama_cpp.llama_model_quantize(source.encode(), str(target).encode(), ctypes.byref(parameters))
        if status != 0:
            raise SystemExit(f"{source}: llama.cpp could not write {target} ({status})")
        written.append(str(target))
    return written


NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down"}


def convert_loras(folders: list, model: str, target: str) -> str:
    """PEFT LoRAs, all active at scale 1, as one adapter file that llama.cpp reads: its graph has no room for two on all linears, so
    their ranks are stacked, A = [A1; A2], B = [s1 B1, s2 B2], which is the same sum in fewer products."""
    import gguf
    from safetensors.numpy import load_file
    fields = gguf.GGUFReader(model).fields
    heads = {"q_proj": int(fields["llama.attention.head_count"].contents()),
             "k_proj": int(fields["llama.attention.head_count_kv"].contents())}
    parts, rank = {}, 0
    for folder in folders:
        config = json.loads(pathlib.Path(folder, "adapter_config.json").read_text())
        rank += config["r"]
        for key, value in load_file(str(pathlib.Path(folder, "adapter_model.safetensors"))).items():
            scale = config["lora_alpha"] / config["r"] if ".lora_B." in key else 1
            parts.setdefault(key, []).append(value.astype(numpy.float32) * scale)
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    for key, values in parts.items():
        layer, site = key.split("model.layers.")[1].split(".", 1)
        site, kind, _ = site.rsplit(".", 2)
        value = numpy.concatenate(values, axis=1 if kind == "lora_B" else 0)
        count = heads.get(site.split(".")[-1])
        if count and kind == "lora_B":
            # Per head the two halves of the rotation become neighbours.
            value = value.reshape(count, 2, value.shape[0] // count // 2, -1).swapaxes(1, 2).reshape(value.shape)
        name = f"blk.{layer}.{NAMES[site]}.weight.{kind.lower()}"
        writer.add_tensor(name, numpy.ascontiguousarray(value.astype(numpy.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


class Model:
    def __init__(self, path: str, threads: int, context: int, loras=()):
        parameters = llama_cpp.llama_model_default_params()
        self.path = path
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), parameters)
        if not self.model:
            raise SystemExit(f"{path}: llama.cpp cannot load it")
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = context, max(context, 512), 512
        parameters.n_threads = parameters.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        for lora in loras:
            adapter = llama_cpp.llama_adapter_lora_init(self.model, lora.encode())
            if not adapter or llama_cpp.llama_set_adapter_lora(self.context, adapter, 1.0) != 0:
                raise SystemExit(f"{lora}: llama.cpp does not take it")
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def evaluate(self, ids, start):
        """One batch; returns the best next token."""
        batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for index, token in enumerate(ids):
            batch.token[index], batch.pos[index] = token, start + index
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, 0
            batch.logits[index] = index == len(ids) - 1
        status = llama_cpp.llama_decode(self.context, batch)
        llama_cpp.llama_batch_free(batch)
        if status != 0:
            raise SystemExit(f"{self.path}: llama_decode says {status}")
        logits = llama_cpp.llama_get_logits_ith(self.context, -1)
        return int(numpy.ctypeslib.as_array(logits, shape=(self.vocabulary,)).argmax())

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def prefill(self, ids):
        self.clear()
        start = time.perf_counter()
        self.evaluate(ids, 0)
        return len(ids) / (time.perf_counter() - start)

    def decode(self, ids, count):
        self.clear()
        token = self.evaluate(ids, 0)
        start = time.perf_counter()
        for position in range(count):
            token = self.evaluate([token], len(ids) + position)
        return count / (time.perf_counter() - start)


def serve(models):
    print(json.dumps({"version": llama_cpp.__version__, "models": [model.path for model in models]}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        model, ids = models[request["model"]], request["ids"]
        speed = model.prefill(ids) if request["measure"] == "prefill" else model.decode(ids, request["count"])
        print(json.dumps({"tokensPerSecond": speed}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--convert", nargs=2, metavar=("MODEL", "FOLDER"))
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--lora", action="append", default=[], metavar="PEFT_FOLDER")
    parser.add_argument("--scratch", help="where adapters are converted to")
    parser.add_argument("--context", type=int, help="tokens; by default what --prefill and --decode need")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--decode", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--ids", help="a JSON array of token ids; by default a fixed pseudo-random one")
    options = parser.parse_args()
    if options.convert:
        written = convert(*options.convert)
        if options.serve:
            options.models += written
        else:
            print(json.dumps({"written": written}))
    if not options.models:
        return
    context = options.context or max(options.prefill, 16 + options.decode) + 8
    if options.lora:
        pathlib.Path(options.scratch).mkdir(parents=True, exist_ok=True)
    loras = [convert_loras(options.lora, options.models[0], f"{options.scratch}/lora.gguf")] if options.lora else []
    models = [Model(path, options.threads, context, loras) for path in options.models]
    for model in models:
        model.path += f" + {len(options.lora)} LoRA" if loras else ""
    if options.serve:
        return serve(models)
    if options.ids:
        ids = json.loads(pathlib.Path(options.ids).read_text())[: options.prefill]
    else:
        ids = [(7919 * i + 104729) % 40000 + 100 for i in range(options.prefill)]
    results = {m.path: {"prefillTokensPerSecond": [], "decodeTokensPerSecond": []} for m in models}
    for repeat in range(options.repeats + 1):
        for model in models:
            prefill, decode = model.prefill(ids), model.decode(ids[:16], options.decode)
            if repeat > 0:
                results[model.path]["prefillTokensPerSecond"].append(prefill)
                results[model.path]["decodeTokensPerSecond"].append(decode)
    print(json.dumps({"llamaCppPython": llama_cpp.__version__, "threads": options.threads, "prefill": len(ids),
                      "decode": options.decode, "models": results}))


if __name__ == "__main__":
    main()
