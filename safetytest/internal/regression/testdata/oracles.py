"""Makes oracles.json: values of other software for package regression.

Needs numpy, scipy and statsmodels. The generalised linear models are those of
statsmodels; Firth's estimate is the maximum of the penalised
likelihood and that of a misread outcome the maximum of its likelihood, both found by
scipy; the jackknife fits the rest without a cluster for each cluster (linearised as
MacKinnon, Nielsen and Webb 2023).
"""
import json
import os

import numpy as np
import scipy
import scipy.optimize as opt
import statsmodels
import statsmodels.api as sm


def expit(x):
    return 1 / (1 + np.exp(-x))


def data(seed, n, targets, draws, beta, spread):
    r = np.random.default_rng(seed)
    patterns = np.array([[1, np.log1p(h), np.log1p(b), m] for h in (0, 2, 8) for b in (0, 4) for m in (0, 1)])
    which = r.integers(0, len(patterns), n)
    t, d = r.integers(0, targets, n), r.integers(0, draws, n)
    u, v = r.normal(0, spread, targets), r.normal(0, spread / 2, draws)
    y = (r.random(n) < expit(patterns[which] @ beta + u[t] + v[d])).astype(int)
    return patterns, which, t, d, y


def jackknife(x, res, g):
    p = expit(x @ res.params)
    w = p * (1 - p)
    info = x.T @ (w[:, None] * x)
    out = np.zeros((x.shape[1],) * 2)
    groups = np.unique(g)
    for c in groups:
        k = g == c
        s = x[k].T @ (res.model.endog[k] - p[k])
        rest = info - x[k].T @ (w[k][:, None] * x[k])
        m = np.linalg.solve(rest, s)
        out += np.outer(m, m)
    return out * (len(groups) - 1) / len(groups)


def firth(x, y):
    def loss(b):
        p = expit(x @ b)
        w = p * (1 - p)
        return -(y @ np.log(p) + (1 - y) @ np.log1p(-p) + 0.5 * np.linalg.slogdet(x.T @ (w[:, None] * x))[1])
    best = opt.minimize(loss, np.zeros(x.shape[1]), method="BFGS", options={"gtol": 1e-9})
    return opt.minimize(loss, best.x, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 20000}).x


def misread(x, y, s, f):
    def loss(b):
        q = f + (s - f) * expit(x @ b)
        return -(y @ np.log(q) + (1 - y) @ np.log1p(-q))
    best = opt.minimize(loss, np.zeros(x.shape[1]), method="BFGS", options={"gtol": 1e-9})
    return opt.minimize(loss, best.x, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 20000}).x


def case(name, seed, n, targets, draws, beta, spread, s=1.0, f=0.0):
    patterns, which, t, d, y = data(seed, n, targets, draws, np.array(beta), spread)
    if s < 1 or f > 0:
        r = np.random.default_rng(seed + 1000)
        y = np.where(r.random(n) < np.where(y == 1, s, f), 1, 0)
    x = patterns[which]
    model = sm.GLM(y, x, family=sm.families.Binomial())
    plain = model.fit(tol=1e-14, maxiter=200)
    out = {"plain": plain.params, "firth": firth(x, y), "jackknife": jackknife(x, plain, t)}
    if s < 1 or f > 0:
        out["misread"] = misread(x, y, s, f)
    return {
        "name": name, "sensitivity": s, "false_positives": f, "patterns": patterns.tolist(),
        "rows": np.column_stack([which, t, d, y]).tolist(),
        "want": {k: np.asarray(v).tolist() for k, v in out.items()},
    }


cases = [
    case("500 replies, 8 targets, 4 draws", 1, 500, 8, 4, [-0.5, 0.6, -0.18, 0.3], 0.8),
    case("800 replies, 30 targets, 12 draws", 2, 800, 30, 12, [-2.0, 0.4, 0.09, 0.0], 1.0),
    case("150 replies, rare", 3, 150, 10, 6, [-3.0, 0.6, 0.0, 0.2], 0.3),
    case("900 replies, misread", 4, 900, 20, 10, [-0.7, 0.5, -0.2, 0.1], 0.5, 0.93, 0.05),
]
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "oracles.json"), "w") as file:
    json.dump({
        "note": "made by oracles.py; rows are pattern, target, draw, hit",
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
        "cases": cases,
    }, file, separators=(",", ":"))
    file.write("\n")
