"""One epoch of the textbook loop in eager PyTorch, on slices of a permuted tensor."""

from collections.abc import Iterable, Sequence

import torch

LEARNING_RATE = 1e-3
MOMENTUM = 0.9


def epoch(features: torch.Tensor, targets: torch.Tensor, batch_size: int) -> None:
    """Permute the rows X (n, M) and y (n, 1), and train on slices of them."""
    order = torch.randperm(len(features))
    batches = zip(features[order].split(batch_size), targets[order].split(batch_size), strict=True)
    train(features.shape[1], batches)


def train(num_features: int, batches: Iterable[Sequence[torch.Tensor]]) -> None:
    """Take a step for each batch of X and y."""
    model = torch.nn.Linear(num_features, 1)
    mean_squared_error = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    for X, y in batches:
        optimizer.zero_grad()
        loss = mean_squared_error(model(X), y)
        loss.backward()
        optimizer.step()
