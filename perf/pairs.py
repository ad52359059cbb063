"""What repeated measurements say: in which order the arms run, and how sure a ratio is. Plain functions of numbers.

Servers drift by a fifth between minutes, so only what ran side by side is compared: a ratio is taken inside each round,
and the median of these ratios is what is reported. The interval is a percentile bootstrap over whole rounds, from a
fixed seed: the same measurements give the same interval.
"""
import random
import statistics

SEED = 1
RESAMPLES = 2000
CONFIDENCE = 0.95


def turn(arms, number):
    """The arms of round `number`: every second round runs backwards (A B, B A, ...), so drift favours none of them."""
    return list(arms) if number % 2 == 0 else list(reversed(arms))


def interval(samples, statistic):
    """Where `statistic` lies with 95 % confidence; `samples` are lists that are resampled independently of each other.

    Nothing where there are too few measurements to say.
    """
    if any(len(one) < 2 for one in samples):
        return None
    source = random.Random(SEED)
    found = sorted(statistic(*(source.choices(one, k=len(one)) for one in samples)) for _ in range(RESAMPLES))
    tail = int((1 - CONFIDENCE) / 2 * RESAMPLES)
    return found[tail], found[-1 - tail]


def estimate(value, bounds, count):
    low, high = bounds or (None, None)
    return {"median": value, "low": low, "high": high, "rounds": count}


def of_one(values):
    """The median of one arm's measurements, with its interval."""
    return estimate(statistics.median(values), interval([values], statistics.median), len(values))


def paired_ratio(above, below):
    """Of measurements that were taken side by side, in the same order; nothing where one of `below` is zero."""
    if len(above) != len(below):
        raise ValueError(f"{len(above)} measurements cannot be paired with {len(below)}")
    if not above or not all(below):
        return None
    return of_one([over / under for over, under in zip(above, below)])


def separate_ratio(above, below):
    """Of measurements that were not taken side by side: the ratio of the medians, each side resampled by itself."""
    if not above or not below or not all(below):
        return None

    def ratio(over, under):
        return statistics.median(over) / statistics.median(under)

    return estimate(ratio(above, below), interval([above, below], ratio), min(len(above), len(below)))
