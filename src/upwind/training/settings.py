"""How a network is trained."""

from dataclasses import dataclass

from upwind.data.intensity import PAPER_WINDOW


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained. Defaults are the paper's where it states them."""

    epochs: int
    batch_size: int = 20  # authors' code
    learning_rate: float = 1.0  # Adadelta, authors' code
    rho: float = 0.95  # Keras' Adadelta, the authors' framework (torch's own default is 0.9)
    epsilon: float = 1e-7  # Keras' Adadelta (torch's own default is 1e-6)
    window: tuple[float, float] = PAPER_WINDOW
    device: str = "auto"
    cpu_threads: int = 1  # fixed, because the number of threads changes the last bits of a sum
    precision: str = "float32"  # or bfloat16, of the convolutions in training
    compile: bool = False
    deterministic: bool = False
