"""QWHA's start, step by step as its paper's code takes them: by the roots of the inputs' moments and least squares in
the space of outputs, with the transform as a dense matrix. Torch in f64, seed 20261126.

expected.safetensors: original W and encoded Q [10, 24], inputs X [40, 24]; plain.* without inputs, seen.* with them:
indices [2, 102] (rows, columns), values [102], so that values at indices, times H / 24, is near to W - Q.
Run: python make.py   (needs torch, safetensors)
"""

import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
M, N, RANK = 10, 24, 3
torch.manual_seed(20261126)


def hadamard():
    first = [1 if c == "+" else -1 for c in "+-+---+++-+"]
    h = torch.ones(12, 12)
    h[0, 1:] = -1
    for i in range(11):
        for j in range(11):
            h[i + 1, j + 1] = first[(j - i) % 11]
    return torch.kron(h, torch.tensor([[1.0, 1.0], [1.0, -1.0]])).double()


def counts(lengths, p):
    out = [min(N, int(p * share)) for share in (lengths / lengths.sum()).tolist()]
    while left := p - sum(out):
        open_rows = [i for i in range(M) if out[i] < N]
        each = left // len(open_rows)
        if each == 0:
            for i in sorted(open_rows, key=lambda i: out[i])[:left]:
                out[i] += 1
        for i in open_rows if each else []:
            out[i] += min(each, N - out[i])
    return out


original = torch.randn(M, N) * torch.linspace(0.2, 3, M)[:, None]
encoded = (original / 0.3).round() * 0.3
encoded[7] = original[7] + 1e-4 * torch.randn(N)  # a row with hardly any loss
encoded[9] = 0  # one of which all is lost
inputs = torch.randn(40, 6) @ torch.randn(6, N) + 0.3 * torch.randn(40, N)
h = hadamard()
assert torch.equal(h @ h.T, N * torch.eye(N).double())
error = original.double() - encoded.double()
coefficients = error @ h.T
p = RANK * (M + N)
out = {"original": original, "encoded": encoded, "inputs": inputs}
for name in ["plain", "seen"]:
    moments = inputs.double().T @ inputs.double() if name == "seen" else torch.eye(N).double()
    if name == "seen":
        moments += 1e-4 * moments.diagonal().mean() * torch.eye(N)
    e, vectors = torch.linalg.eigh(moments)
    root = e.clamp(min=0).sqrt()[:, None] * vectors.T
    basis = root @ h.T / N
    rows, columns, values = [], [], []
    for i, count in enumerate(counts(coefficients.norm(dim=1), p)):
        score = (basis.norm(dim=0) * coefficients[i]).abs()
        support = sorted(score.argsort(descending=True, stable=True)[:count].tolist())
        solution = torch.linalg.lstsq(basis[:, support], (root @ error[i])[:, None]).solution[:, 0]
        rows += [i] * count
        columns += support
        values += solution.tolist()
    out[f"{name}.indices"] = torch.tensor([rows, columns])
    out[f"{name}.values"] = torch.tensor(values, dtype=torch.float32)
    f = torch.zeros(M, N).double()
    f[rows, columns] = torch.tensor(values).double()
    print(name, ((error - f @ h / N) @ inputs.double().T).norm().item(), (error @ inputs.double().T).norm().item())
save_file(out, HERE / "expected.safetensors")
