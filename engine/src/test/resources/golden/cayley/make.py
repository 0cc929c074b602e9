"""R and dL/dv of every way from a packed skew vector to a rotation, in float64, by PyTorch's autograd.

The Neumann and exact maps are PEFT's own code (OFTRotationModule); "legacy" is the polynomial of PEFT 0.16 and 0.17
(every coefficient 2), "plus" the exact map with the papers' sign. Run with the peers' python, here. Same versions, same bytes.
"""

import pathlib

import peft
import torch
from peft.tuners.oft.layer import OFTRotationModule
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
SIZES = {1: 3, 2: 3, 3: 2, 8: 3, 16: 2, 32: 1}  # block size -> blocks


def skew(v, b):
    q = torch.zeros(v.shape[0], b, b, dtype=v.dtype)
    rows, cols = torch.triu_indices(b, b, 1)
    q[:, rows, cols] = v
    return q - q.transpose(1, 2)


def with_peft(b, terms, neumann):
    module = OFTRotationModule(1, b * (b - 1) // 2, b, b).double()
    return lambda v: module._cayley_batch(v, b, neumann, terms)


def exact(b):  # PEFT builds its identity in the default dtype; in float64 the same solve needs its own line
    eye = torch.eye(b, dtype=torch.float64)
    return lambda v: torch.linalg.solve(eye + skew(v, b), eye - skew(v, b), left=False)


def plus(b):
    eye = torch.eye(b, dtype=torch.float64)
    return lambda v: torch.linalg.solve(eye - skew(v, b), eye + skew(v, b), left=False)


def legacy(b, terms):
    def rotate(v):
        q = skew(v, b)
        r, power = torch.eye(b, dtype=v.dtype).repeat(v.shape[0], 1, 1), torch.eye(b, dtype=v.dtype)
        for _ in range(1, terms):
            power = q @ power
            r = r + 2 * power
        return r
    return rotate


def main():
    source = torch.Generator().manual_seed(31)
    for b, blocks in SIZES.items():
        v = torch.randn(blocks, b * (b - 1) // 2, generator=source, dtype=torch.float64)
        v *= 0.5 / v.norm(dim=1, keepdim=True).clamp(min=1e-9) * torch.linspace(1, 2, blocks, dtype=v.dtype)[:, None]
        g = torch.randn(blocks, b, b, generator=source, dtype=torch.float64)
        out = {"v": v, "g": g}
        maps = {f"t{t}": with_peft(b, t, True) for t in range(2, 9)}
        maps |= {f"legacy{t}": legacy(b, t) for t in range(2, 9)} | {"exact": exact(b), "plus": plus(b)}
        for name, rotate in maps.items():
            learned = v.clone().requires_grad_()
            r = rotate(learned)
            # b = 1: R is constant
            dv = torch.autograd.grad((r * g).sum(), learned)[0] if v.numel() else torch.zeros_like(v)
            out[f"{name}.R"], out[f"{name}.dv"] = r.detach().contiguous(), dv.contiguous()
        save_file(out, HERE / f"block-{b}.safetensors", {"format": "pt"})
    (HERE / "README").write_text(
        f"Made by make.py with torch {torch.__version__.split('+')[0]}, peft {peft.__version__}; tolerance 1e-10: float64, sums in another order.\n")


if __name__ == "__main__":
    main()
