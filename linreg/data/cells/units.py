"""The currency, percent and unit signs that may stand at a number.

A word that is none of these makes a cell text: `size 10` and `Q1` are categories.
"""

_CURRENCY_CODES = (
    "AED|ARS|AUD|BDT|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HRK|HUF|IDR|ILS|INR|ISK"
    "|JPY|KES|KRW|KWD|LKR|MAD|MXN|MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RMB|RON|RSD|RUB|SAR|SEK|SGD"
    "|THB|TRY|TWD|UAH|USD|VND|ZAR|chf|eur|gbp|inr|usd"
)
_CURRENCY_WORDS = (
    r"[Kk]r\.?|KR|kn|s?S?[Ff]r\.|SFr|Rs\.?|Rp\.?|zł|zl|Kč|Ft|lei|TL|S/\.?|руб\.?|р\.|грн\.?|лв\.?"
    r"|元|円|원|[Ee]uros?|[Dd]ollars?"
)
_PERCENT = r"%|‰|percent|per cent|pct\.?"
_UNITS = (
    r"° ?[CFcf]?|℃|℉|[kmµμ]?g|t|lbs?\.?|oz\.?|[kcmnµμ]?m[²³23]?|km/h|kmh|kph|mph|mpg|m/s|mi|ft\.?"
    r"|yd|in\.?|ha|sq\.? ?ft\.?|sqm|sq\.? ?m|[mcdh][lL]|l|h|hrs?\.?|hours?|mins?\.?|minutes?"
    r"|[mµμn]?s|secs?\.?|seconds?|days?|weeks?|months?|yrs?\.?|years?|[kMG]?Wh|[kM]W|hp|HP|bhp"
    r"|[mk]V|mA|[kMG]?Hz|[kKMGT]B|[hkM]?Pa|m?bar|psi|mmHg|k?cal|kJ|dB|pp[mb]|bps|pp|pts|rpm|bpm"
    r"|[mµμ]?mol|[mµμn]?mol/[lL]|[mµμnk]?g/[dm]?[lL]"
)
PREFIX = rf"(?:[A-Z]{{1,3}} ?)?\p{{Sc}}|(?:{_CURRENCY_CODES}|{_CURRENCY_WORDS})|%"
"""A regular expression (RE2) for what may stand before a number."""
SUFFIX = rf"[A-Z]{{0,3}}\p{{Sc}}|{_CURRENCY_CODES}|{_CURRENCY_WORDS}|{_PERCENT}|{_UNITS}"
"""A regular expression (RE2) for what may stand behind a number."""
