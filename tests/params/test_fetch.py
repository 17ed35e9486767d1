"""No password and no key stands in params.yaml."""

import pytest
from pydantic import ValidationError

from linreg.params.fetch import Fetch, masked


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pw@host/db", "postgresql://u:***@host/db"),
        ("postgresql://u:p/w@host/db", "postgresql://u:***@host/db"),
        ("postgresql://u:p@w@host/db", "postgresql://u:***@host/db"),
        ("postgresql://host/db?user=u&password=pw", "postgresql://host/db?user=u&password=***"),
        ("postgresql://host/db?sslpassword=pw", "postgresql://host/db?sslpassword=***"),
        ("https://u:pw@host/t.csv", "https://u:***@host/t.csv"),
        ("https://u:p/w@host/t.csv", "https://u:***@host/t.csv"),
        ("https://host/t.csv?token=abc#x", "https://host/t.csv?token=***#x"),
        ("https://host/t.csv?a=1&api_key=abc", "https://host/t.csv?a=1&api_key=***"),
        ("https://host/t.csv?apikey=abc&b=2", "https://host/t.csv?apikey=***&b=2"),
        ("https://host/t.csv?sig=a%2Fb", "https://host/t.csv?sig=***"),
        ("https://host/t?X-Amz-Signature=a", "https://host/t?X-Amz-Signature=***"),
        ("s3://KEY:SECRET@bucket/t.csv", "s3://KEY:***@bucket/t.csv"),
        ("s3://bucket/t.csv?secret_key=a", "s3://bucket/t.csv?secret_key=***"),
    ],
)
def test_an_address_with_a_secret_is_refused_and_the_message_hides_it(url: str, shown: str) -> None:
    assert masked(url) == shown
    with pytest.raises(ValidationError) as caught:
        Fetch(url=url)
    (mistake,) = caught.value.errors(include_url=False)
    assert f"found {shown}; write {{NAME}} in its place" in mistake["msg"]


@pytest.mark.parametrize(
    "url",
    [
        "data/tables.db",
        "C:key=1.db",
        "postgresql://analyst@host:5432/db?sslmode=require",
        "postgresql://analyst:{DB_PASSWORD}@host/db",
        "postgresql://host/db?password=${DB_PASSWORD}",
        "https://host:8080/@user/t.csv",
        "https://host/t.csv?key={KEY}&keyword=2&monkey=3",
        "https://host/t.csv?$format=csv",
        "s3://bucket/folder/t.parquet?region=eu-west-1",
    ],
)
def test_an_address_without_a_secret_is_accepted_as_it_is(url: str) -> None:
    assert Fetch(url=url).url == masked(url) == url
