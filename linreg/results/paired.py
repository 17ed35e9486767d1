"""Placeholder until the registry branch is merged."""
from typing import NamedTuple
import math
import numpy as np
from linreg.results.distributions import t_quantile
class Interval(NamedTuple):
    mean: float
    low: float
    high: float
def paired_interval(d, confidence):
    m=float(d.mean()); s=float(d.std(ddof=1))/math.sqrt(len(d)); q=t_quantile(confidence,len(d)-1)
    return Interval(m,m-q*s,m+q*s)
