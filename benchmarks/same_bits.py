"""Which operations of torch round the same on processors of several makers.

Each operation is computed by this interpreter on this machine's processor and on those that qemu
emulates (Debian's qemu-user), with libraries left alone, held (upwind.common.same_bits), and held
but for MKL, which is asked for AVX2. Prints, for each of the three, the operations whose bits are
not those of this processor. NumPy and what builds on it are in tests/same_bits/computed.py.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/same_bits"))
from emulator import NATIVE, PROCESSORS, python_on

from upwind.common.same_bits import ALWAYS
from upwind.common.same_bits import CONVOLUTIONS as ONE_DNN

HELD = ALWAYS | ONE_DNN
THREADS = {"OMP_NUM_THREADS": "1"}
SETTINGS = {
    "left alone": THREADS,
    "held, MKL asked for AVX2": HELD | {"MKL_CBWR": "AVX2"},
    "held": HELD,
}
# Of a convolution: channels in, channels out, kernel, dilation, slices.
CONVOLUTIONS = [
    (1, 16, 3, 1, 20),
    (16, 16, 3, 1, 20),
    (16, 16, 3, 1, 4),
    (16, 16, 3, 1, 1),
    (64, 64, 3, 1, 4),
    (48, 16, 3, 1, 4),
    (2, 16, 3, 1, 4),
    (16, 16, 3, 8, 4),
    (17, 1, 1, 1, 20),
    (17, 1, 1, 1, 4),
    (16, 1, 1, 1, 4),
]


def digest(*tensors) -> str:
    """SHA-256 of the tensors' bytes, its first digits."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()[:8]


def operations() -> dict[str, str]:
    """Hash of each operation's result, in this process."""
    import torch
    from torch.nn import functional

    from upwind.training.adadelta import Adadelta

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    x = torch.randn(100_003)
    positive = x.abs() + 1e-6
    found = {
        "random numbers": digest(torch.randn(9999), torch.rand(99), torch.randperm(99)),
        "first weights": digest(
            torch.nn.init.xavier_uniform_(torch.empty(16, 16, 3, 3)),
            torch.nn.init.kaiming_normal_(torch.empty(16, 16, 3, 3)),
        ),
        "sums": digest(x.sum(), x[:100_000].view(10, 10, 1000).sum((1, 2)), x.mean(), x.var()),
        "division, addcmul": digest(x / positive, torch.addcmul(x, x, positive, value=0.3)),
        "softplus": digest(functional.softplus(x)),
        "pow(x, 0.5)": digest(torch.pow(positive, 0.5)),
    }
    for name in ("exp", "sigmoid", "tanh", "sin", "cos", "sqrt", "rsqrt", "log"):
        given = x if name in ("exp", "sigmoid", "tanh", "sin", "cos") else positive
        found[name] = digest(getattr(torch, name)(given))
        found[f"{name}, float64"] = digest(getattr(torch, name)(given.double()))
    for size in (8, 64, 200):
        a, b = torch.randn(2, size, size)
        found[f"product of {size} x {size}"] = digest(a @ b)
    for convolution in CONVOLUTIONS:
        found |= convolved(*convolution)
    for optimiser in (torch.optim.Adadelta, Adadelta):
        weight = torch.nn.Parameter(x[:2304].view(16, 16, 3, 3).clone())
        weight.grad = x[-2304:].view(16, 16, 3, 3).clone()
        optimiser([weight], lr=1.0, rho=0.95, eps=1e-7).step()
        found[f"{optimiser.__module__}.Adadelta"] = digest(weight)
    return found


def convolved(inputs: int, outputs: int, kernel: int, dilation: int, slices: int) -> dict[str, str]:
    """Hashes of a convolution's answer and gradients."""
    import torch
    from torch.nn import functional

    layout = torch.channels_last
    x = torch.randn(slices, inputs, 32, 32).contiguous(memory_format=layout).requires_grad_()
    weight = torch.randn(outputs, inputs, kernel, kernel).contiguous(memory_format=layout)
    weight.requires_grad_()
    y = functional.conv2d(x, weight, padding=kernel // 2 * dilation, dilation=dilation)
    y.backward(torch.randn(y.shape).contiguous(memory_format=layout))
    name = f"{kernel}x{kernel} convolution {inputs} to {outputs}, dilation {dilation}, {slices}"
    parts = {"answer": y, "gradient": x.grad, "gradient by weight": weight.grad}
    return {f"{name} slices: {part}": digest(value) for part, value in parts.items()}


def computed_on(processor: str, setting: str) -> dict[str, str]:
    """The hashes of a processor."""
    command, environment = python_on(processor)
    said = subprocess.run(
        [*command, __file__, "--one"],
        env=environment | SETTINGS[setting],
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(said.stdout)


def main() -> None:
    """Print a line for each setting and emulated processor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", action="store_true", help="hashes of this process")
    if parser.parse_args().one:
        print(json.dumps(operations()))
        return
    for setting in SETTINGS:
        here = computed_on(NATIVE, setting)
        for processor in PROCESSORS:
            there = computed_on(processor, setting)
            other = [name for name, value in here.items() if there[name] != value]
            print(f"{setting}: {processor}: {len(other)} of {len(here)} differ")
            print(*(f"  {name}" for name in other), sep="\n", flush=True)


if __name__ == "__main__":
    main()
