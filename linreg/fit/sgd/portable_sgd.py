"""torch.optim.SGD with the same bits on every CPU."""

from collections.abc import Iterable

from linreg.process.torch_setup import torch

Tensor = torch.Tensor


class PortableSGD(torch.optim.SGD):
    """torch.optim.SGD, with a rounding after every operation: v ← μ·v + g, p ← p − lr·v.

    torch computes p − lr·v as one operation, which ARM rounds once and x86-64 twice. Parameters on
    a GPU are left to torch.

    torch's profiler is not entered, nor are hooks called: a third of a step of a small model.
    """

    def __init__(
        self, params: Iterable[torch.nn.Parameter], lr: float, momentum: float = 0.0
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step along the gradients of the parameters."""
        if not self.param_groups[0]["params"][0].is_cpu:
            super().step(closure)
            return
        for group in self.param_groups:
            for parameter in group["params"]:
                assert parameter.grad is not None, "backward() comes before step()"
                velocity = parameter.grad
                if group["momentum"]:
                    velocity = self._velocity(parameter, velocity, group["momentum"])
                parameter.sub_(velocity * group["lr"])

    # Otherwise torch wraps it, to call the profiler and hooks.
    step.hooked = True  # type: ignore[attr-defined]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Remove the gradients of the step before."""
        assert set_to_none
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _velocity(self, parameter: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        """Return v after its update."""
        state = self.state[parameter]
        # torch's name for v.
        velocity: Tensor | None = state.get("momentum_buffer")
        if velocity is None:
            velocity = state["momentum_buffer"] = gradient.clone()
            return velocity
        return velocity.mul_(momentum).add_(gradient)
