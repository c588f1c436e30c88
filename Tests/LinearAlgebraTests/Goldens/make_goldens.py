"""Writes products.json: top singular vectors and truncated means by numpy's dense SVD in double, for LinearAlgebraTests.

Matrices are made here and there by the same integer recurrence, so that only the answers are stored; two products of real adapters are
stored whole, subsampled to every 12th row and column.

The experts are the shipped ones; arguments are ignored.
"""
import json, pathlib
import numpy
from safetensors.numpy import load_file


def noise(seed, rows, columns):
    state, out = seed, []
    for _ in range(rows * columns):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 40) / 2**24 - 0.5)
    return numpy.array(out, numpy.float32).reshape(rows, columns)


def svd(product):
    u, s, vt = numpy.linalg.svd(product, full_matrices=False)
    return s, vt


def main():
    out = {"top": [], "mean": [], "real": []}
    for seed, outputs, rank, inputs in [(1, 20, 4, 30), (2, 64, 8, 48), (3, 5, 8, 7), (4, 9, 1, 11)]:
        b, a = noise(seed, outputs, rank), noise(seed + 100, rank, inputs)
        s, vt = svd(b.astype(float) @ a.astype(float))
        out["top"].append({"seed": seed, "shape": [outputs, rank, inputs], "values": s[:2].tolist(), "vector": vt[0].tolist()})
    for seed, count, outputs, rank, inputs, kept in [(10, 3, 24, 4, 18, 5), (11, 8, 16, 8, 20, 16), (12, 2, 30, 3, 12, 6)]:
        mean = sum((1 + z) * 0.5 * noise(seed * 10 + z, outputs, rank).astype(float) @ noise(seed * 10 + z + 1000, rank, inputs).astype(float)
                   for z in range(count)) / count
        u, s, vt = numpy.linalg.svd(mean, full_matrices=False)
        best = (u[:, :kept] * s[:kept]) @ vt[:kept]
        out["mean"].append({"seed": seed, "count": count, "shape": [outputs, rank, inputs], "kept": kept,
                            "values": s.tolist(), "product": numpy.float32(best).flatten().tolist()})
    for name, site in [("french", "model.layers.14.mlp.up_proj"), ("swift", "model.layers.3.self_attn.q_proj")]:
        adapter = load_file(pathlib.Path(__file__).resolve().parents[3] / "experts/smollm2-135m-instruct" / name / "adapter_model.safetensors")
        a = adapter[f"base_model.model.{site}.lora_A.weight"].astype(numpy.float32)[:, ::12]
        b = adapter[f"base_model.model.{site}.lora_B.weight"].astype(numpy.float32)[::12]
        s, vt = svd(b.astype(float) @ a.astype(float))
        out["real"].append({"b": b.flatten().tolist(), "a": a.flatten().tolist(), "shape": [b.shape[0], b.shape[1], a.shape[1]],
                            "values": s[:8].tolist(), "vector": vt[0].tolist()})
    pathlib.Path(__file__).with_name("products.json").write_text(json.dumps(out) + "\n")


main()
