"""One epoch of the textbook loop in eager PyTorch, on slices of a permuted tensor."""

from collections.abc import Iterable, Sequence

import torch

LEARNING_RATE, MOMENTUM = 1e-3, 0.9


def epoch(features: torch.Tensor, targets: torch.Tensor, batch_size: int) -> None:
    """Permute the rows X (n, M), y (n, 1), and go through them in slices."""
    order = torch.randperm(len(features))
    shuffled, wanted = features[order], targets[order]
    starts = range(0, len(order), batch_size)
    train(
        features.shape[1],
        (
            (shuffled[start : start + batch_size], wanted[start : start + batch_size])
            for start in starts
        ),
    )


def train(num_features: int, batches: Iterable[Sequence[torch.Tensor]]) -> None:
    """Take a step for each batch of X and y."""
    model = torch.nn.Linear(num_features, 1)
    loss_of = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    for X, y in batches:
        optimizer.zero_grad()
        loss = loss_of(model(X), y)
        loss.backward()
        optimizer.step()
