import numpy as np
import pytest

from linreg.fit.compiled.permutation import permutation
from linreg.seeds import generator


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "length", [0, 1, 2, 3, 4, 5, 16, 17, 31, 32, 33, 1000, 65_536, 65_537, 131_072, 300_001]
)
def test_the_order_is_numpys(length: int, seed: int) -> None:
    expected = generator(seed, "rows", length).permutation(length)
    found = permutation(generator(seed, "rows", length), length)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
