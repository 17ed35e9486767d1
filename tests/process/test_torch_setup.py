"""What this project changes about torch is still needed, and still changes no result."""

import ast
import subprocess
import sys

import pytest

from linreg.process.torch_setup import COMPILER, META_REGISTRATIONS

TRAINING = """
model = torch.nn.Linear(3, 1)
with torch.no_grad():
    model.weight.copy_(torch.tensor([[0.1, -0.2, 0.3]]))
    model.bias.fill_(0.5)
average = torch.optim.swa_utils.AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
X = torch.arange(96.0).reshape(32, 3) / 96
for _ in range(20):
    optimizer.zero_grad()
    torch.nn.MSELoss()(model(X), X.sum(1, keepdim=True)).backward()
    optimizer.step()
    average.update_parameters(model)
print([value.hex() for value in [*model.weight[0].tolist(), *average.module.weight[0].tolist()]])
print({name: hasattr(sys.modules.get(name), "__file__") for name in NAMES})
"""
NAMES = [COMPILER, META_REGISTRATIONS]


def run(imports: str) -> tuple[str, dict[str, bool]]:
    """Return the parameters after some steps, and which modules torch itself has imported."""
    program = f"import sys\nNAMES = {NAMES}\n{imports}\n{TRAINING}"
    environment = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={"PATH": "", "OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    parameters, imported = done.stdout.splitlines()
    return parameters, ast.literal_eval(imported)


@pytest.mark.very_slow
def test_what_is_left_out_of_torch_is_still_in_it_and_changes_no_result() -> None:
    with_all, imported = run("import torch")
    assert imported == {COMPILER: True, META_REGISTRATIONS: True}, "a replacement is needless"
    without, imported = run("from linreg.process.torch_setup import torch")
    assert imported == {COMPILER: False, META_REGISTRATIONS: False}
    assert with_all == without


@pytest.mark.slow
def test_torch_computes_on_one_thread_by_the_lowest_code_path() -> None:
    program = (
        "from linreg.process.torch_setup import torch;"
        " print(torch.get_num_threads(), torch.backends.cpu.get_cpu_capability())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "DEFAULT"]


OF_THEIR_OWN = [
    "torch.Generator().manual_seed(1)",
    "list(DataLoader(TensorDataset(torch.ones(4, 2)), batch_size=2, shuffle=True))",
    "torch.optim.Adam(torch.nn.Linear(2, 1).parameters())",
    "torch.optim.LBFGS(torch.nn.Linear(2, 1).parameters())",
]
"""What the training of a project may use, and ours does not."""


@pytest.mark.very_slow
@pytest.mark.parametrize("call", OF_THEIR_OWN)
def test_other_trainings_are_possible_without_what_is_left_out(call: str) -> None:
    program = (
        "from linreg.process.torch_setup import torch;"
        f" from torch.utils.data import DataLoader, TensorDataset; {call}"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
