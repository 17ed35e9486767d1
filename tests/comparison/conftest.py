"""Fixtures for tests that read evaluated runs."""

from tests.evaluated_runs import evaluated as evaluated
