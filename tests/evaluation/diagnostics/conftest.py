"""Fixtures for tests of diagnostics."""

from tests.evaluation.diagnostics.fitted_tables import fitted as fitted
