#!/usr/bin/env python3
"""Writes routers.json: multinomial logistic regressions with soft targets by scikit-learn, for RouterRegressionTests.

A soft target is a row for each class, weighted by its share. scikit-learn's ridge is plain, ours weighs a column by its mean square, so
columns are divided by the root of that first and the rows afterwards. C = 1 / (n ridge): scikit-learn sums its losses, ours is their mean.

    pip install scikit-learn==1.9.1 && python3 make_router_goldens.py
"""
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

random = np.random.default_rng(11)
goldens = []
for count, width, experts, ridge in [(40, 6, 3, 0.01), (60, 9, 8, 0.001)]:
    inputs = np.round(random.normal(size=(count, width)) * np.linspace(0.3, 4, width), 3).astype(np.float32)
    logits = inputs.astype(float) @ random.normal(size=(width, experts)) * 0.5 + random.normal(size=(count, experts))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    shares = shares.astype(np.float32)
    x = inputs.astype(float)
    size = np.sqrt((x * x).mean(0))
    model = LogisticRegression(C=1 / (count * ridge), fit_intercept=False, solver="newton-cg", tol=1e-14, max_iter=10000)
    model.fit(np.repeat(x / size, experts, 0), np.tile(np.arange(experts), count), sample_weight=shares.astype(float).ravel())
    goldens.append(dict(
        experts=experts, ridge=ridge, inputs=inputs.tolist(), shares=shares.tolist(), rows=(model.coef_ / size).tolist()))
Path(__file__).with_name("routers.json").write_text(json.dumps(goldens) + "\n")
