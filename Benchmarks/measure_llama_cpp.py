"""Times llama.cpp (through llama-cpp-python's low-level API) on GGUF files, for comparison with Skein.

    python measure_llama_cpp.py MODEL.gguf… [--threads 2] [--prefill 512] [--decode 64] [--repeats 7] [--ids FILE]
    python measure_llama_cpp.py --serve MODEL.gguf… [--threads 2] [--context N]     one figure at a time, for `skein bench engine`
    python measure_llama_cpp.py --convert MODEL.gguf FOLDER      writes FOLDER/NAME.F32.gguf and FOLDER/NAME.Q8_0.gguf

Prints one JSON object per run: for every file, tokens per second of each repeat. Prefill is one batch of the ids from an empty
cache, logits of the last position only; decode is greedy, one stream, after a prompt of the first 16 ids. The first repeat
of each is a warm-up and is not reported. Files take turns within a repeat, so that a change of clock speed meets them all.

With --serve it prints {"version": …, "models": [file, …]} when all are loaded (those of --convert after those given), then
answers each line of standard input, {"measure": "prefill" | "decode", "model": index, "ids": [id, …], "count": tokens to decode},
with a line {"tokensPerSecond": x}.
Needs: llama-cpp-python.
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


class Model:
    def __init__(self, path: str, threads: int, context: int):
        parameters = llama_cpp.llama_model_default_params()
        self.path = path
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), parameters)
        if not self.model:
            raise SystemExit(f"{path}: llama.cpp cannot load it")
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = context, max(context, 512), 512
        parameters.n_threads = parameters.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
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
    models = [Model(path, options.threads, context) for path in options.models]
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
