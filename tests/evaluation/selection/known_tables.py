"""Data sets of R, with the results that its documentation and textbooks print."""

import re

import pyarrow as pa

_SWISS = """
80.2 17.0 15 12 9.96 22.2; 83.1 45.1 6 9 84.84 22.2; 92.5 39.7 5 5 93.40 20.2
85.8 36.5 12 7 33.77 20.3; 76.9 43.5 17 15 5.16 20.6; 76.1 35.3 9 7 90.57 26.6
83.8 70.2 16 7 92.85 23.6; 92.4 67.8 14 8 97.16 24.9; 82.4 53.3 12 7 97.67 21.0
82.9 45.2 16 13 91.38 24.4; 87.1 64.5 14 6 98.61 24.5; 64.1 62.0 21 12 8.52 16.5
66.9 67.5 14 7 2.27 19.1; 68.9 60.7 19 12 4.43 22.7; 61.7 69.3 22 5 2.82 18.7
68.3 72.6 18 2 24.20 21.2; 71.7 34.0 17 8 3.30 20.0; 55.7 19.4 26 28 12.11 20.2
54.3 15.2 31 20 2.15 10.8; 65.1 73.0 19 9 2.84 20.0; 65.5 59.8 22 10 5.23 18.0
65.0 55.1 14 3 4.52 22.4; 56.6 50.9 22 12 15.14 16.7; 57.4 54.1 20 6 4.20 15.3
72.5 71.2 12 1 2.40 21.0; 74.2 58.1 14 8 5.23 23.8; 72.0 63.5 6 3 2.56 18.0
60.5 60.8 16 10 7.72 16.3; 58.3 26.8 25 19 18.46 20.9; 65.4 49.5 15 8 6.10 22.5
75.5 85.9 3 2 99.71 15.1; 69.3 84.9 7 6 99.68 19.8; 77.3 89.7 5 2 100.00 18.3
70.5 78.2 12 6 98.96 19.4; 79.4 64.9 7 3 98.22 20.2; 65.0 75.9 9 9 99.06 17.8
92.2 84.6 3 3 99.46 16.3; 79.3 63.1 13 13 96.83 18.1; 70.4 38.4 26 12 5.62 20.3
65.7 7.7 29 11 13.79 20.5; 72.7 16.7 22 13 11.22 18.9; 64.4 17.6 35 32 16.92 23.0
77.6 37.6 15 7 4.97 20.0; 67.6 18.7 25 7 8.65 19.5; 35.0 1.2 37 53 42.34 18.0
44.7 46.6 16 29 50.43 18.2; 42.8 27.7 22 29 58.33 19.3
"""
_BREAKS = """
26 30 54 25 70 52 51 26 67 18 21 29 17 12 18 35 30 36 36 21 24 18 10 43 28 15 26
27 14 29 19 29 31 41 20 44 42 26 19 16 39 28 21 39 29 20 21 24 17 13 15 15 16 28
"""
_SPEED = """
4 4 7 7 8 9 10 10 10 11 11 12 12 12 12 13 13 13 13 14 14 14 14 15 15
15 16 16 17 17 17 18 18 18 18 19 19 19 20 20 20 20 20 22 23 24 24 24 24 25
"""
_DIST = """
2 10 4 22 16 10 18 26 34 17 28 14 20 24 28 26 34 34 46 26 36 60 80 20 26
54 32 40 32 40 50 42 56 76 84 36 46 68 32 48 52 56 64 66 54 70 92 93 120 85
"""


def swiss() -> pa.Table:
    """47 provinces (F. Mosteller and J. Tukey, Data Analysis and Regression, 1977)."""
    names = ["Fertility", "Agriculture", "Examination", "Education", "Catholic", "InfantMortality"]
    rows = [line.split() for line in re.split("[;\n]", _SWISS.strip())]
    columns = zip(*rows, strict=True)
    return pa.table(
        {name: [*map(float, cells)] for name, cells in zip(names, columns, strict=True)}
    )


def warpbreaks() -> pa.Table:
    """54 looms (J. Tukey, Exploratory Data Analysis, 1977)."""
    return pa.table(
        {
            "breaks": [*map(float, _BREAKS.split())],
            "wool": [wool for wool in "AB" for _ in range(27)],
            "tension": [tension for _ in "AB" for tension in "LMH" for _ in range(9)],
        }
    )


def cars() -> pa.Table:
    """Speed and distance of 50 cars (M. Ezekiel, Methods of Correlation Analysis, 1930)."""
    return pa.table({"speed": [*map(float, _SPEED.split())], "dist": [*map(float, _DIST.split())]})
