"""The artifact of a model with absorbed factors, and what becomes of one in the train stage."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf

from linreg.data.training_data import check_absorbed
from linreg.errors import UserError
from linreg.files import read_document, write_document
from linreg.fit.model import LinearModel, load
from linreg.params.train import Train
from tests.fit.exact.absorbed import Learn, as_arrow, panel, reference, shards_of

FRAME = panel()


@pytest.fixture
def model(tmp_path: Path, learn: Learn) -> LinearModel:
    shards = shards_of(tmp_path, learn, "y ~ x1 + zone | firm + year", FRAME)
    solution = reference(shards).solution
    return LinearModel(shards[0]._design, solution.theta, solution.b, {})


@pytest.mark.slow
def test_predictions_use_the_effects_of_the_levels(model: LinearModel, tmp_path: Path) -> None:
    theirs = smf.ols("y ~ x1 + zone + C(firm) + C(year)", FRAME).fit()
    model.save(tmp_path)
    loaded = load(tmp_path)
    predicted = loaded.predict(as_arrow(FRAME))
    np.testing.assert_array_equal(predicted, model.predict(as_arrow(FRAME)))
    np.testing.assert_allclose(predicted, theirs.fittedvalues, rtol=1e-11)
    assert list(loaded.coefficients) == ["x1", "zone[T.south]", "zone[T.west]"]
    effects = loaded.fixed_effects
    assert list(effects) == ["firm", "year"]
    assert effects["firm"]["f000"] == pytest.approx(theirs.params["Intercept"], rel=1e-10)
    assert effects["year"][1990] == 0.0
    assert effects["year"][1995] == pytest.approx(theirs.params["C(year)[T.1995]"], rel=1e-10)


def test_a_row_of_an_unseen_level_has_no_prediction(model: LinearModel) -> None:
    rows = as_arrow(FRAME.head(2).assign(firm=["f001", "f999"]))
    with pytest.raises(UserError, match="row 2: column firm: holds a level"):
        model.predict(rows)


def test_effects_of_another_model_are_noticed(model: LinearModel, tmp_path: Path) -> None:
    """model.json does not list them."""
    model.save(tmp_path)
    document = read_document(tmp_path / "model.json")
    model.theta[0] += 1.0
    model.save(tmp_path)
    write_document(tmp_path / "model.json", {k: v for k, v in document.items() if k != "checksum"})
    with pytest.raises(UserError, match=r"model.safetensors and model.json differ"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("formula", "params", "found"),
    [
        ("y ~ x1 | firm", {}, "train.solver: sgd"),
        ("y ~ x1 | firm", {"solver": "exact", "l2": 0.5}, "train.l1: 0.0, train.l2: 0.5"),
        ("y ~ x1 | firm", {"solver": "exact"}, None),
        ("y ~ x1 + firm", {"l2": 0.5}, None),
    ],
)
def test_absorbed_factors_need_the_exact_solver_without_a_penalty(
    tmp_path: Path, learn: Learn, formula: str, params: dict[str, object], found: str | None
) -> None:
    schema = tmp_path / "schema.json"
    table: pa.Table = as_arrow(FRAME)
    write_document(schema, learn(formula, table).schema.as_data())
    if found is None:
        check_absorbed(schema, Train.model_validate(params))
        return
    with pytest.raises(UserError) as error:
        check_absorbed(schema, Train.model_validate(params))
    assert "model.formula: absorbs factors" in str(error.value)
    assert f"found {found}" in str(error.value)
