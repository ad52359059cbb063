"""The statistics of measurements: order of the arms, medians of ratios, intervals."""
import statistics
import unittest

import place  # noqa: F401
import pairs


class Turn(unittest.TestCase):
    def test_every_second_round_runs_backwards(self):
        self.assertEqual([pairs.turn("AB", n) for n in range(4)], [["A", "B"], ["B", "A"], ["A", "B"], ["B", "A"]])

    def test_a_drift_that_grows_evenly_favours_no_arm(self):
        slots = {arm: 0 for arm in "ABC"}
        for slot, arm in enumerate(arm for number in range(4) for arm in pairs.turn("ABC", number)):
            slots[arm] += slot
        self.assertEqual(len(set(slots.values())), 1)


class Ratios(unittest.TestCase):
    def test_the_ratio_is_taken_inside_each_round(self):
        # The machine is ten times slower in the last round; the ratio of the pair does not see it.
        found = pairs.paired_ratio([1.1, 2.2, 33.0], [1.0, 2.0, 30.0])
        self.assertAlmostEqual(found["median"], 1.1)
        self.assertAlmostEqual(found["low"], 1.1)
        self.assertAlmostEqual(found["high"], 1.1)

    def test_measurements_of_different_rounds_are_no_pairs(self):
        with self.assertRaises(ValueError):
            pairs.paired_ratio([1.0, 2.0], [1.0])

    def test_one_round_has_no_interval(self):
        self.assertEqual(pairs.paired_ratio([2.0], [1.0]), {"median": 2.0, "low": None, "high": None, "rounds": 1})

    def test_nothing_is_a_multiple_of_zero(self):
        self.assertIsNone(pairs.paired_ratio([1.0, 2.0], [0.0, 1.0]))
        self.assertIsNone(pairs.separate_ratio([1.0, 2.0], [0.0, 1.0]))
        self.assertIsNone(pairs.paired_ratio([], []))

    def test_separate_measurements_are_resampled_separately(self):
        # Paired, the ratio would be exactly two; apart, nobody knows which belongs to which.
        above, below = [2.0, 4.0, 6.0, 8.0], [1.0, 2.0, 3.0, 4.0]
        self.assertEqual(pairs.paired_ratio(above, below)["high"], 2.0)
        apart = pairs.separate_ratio(above, below)
        self.assertEqual(apart["median"], 2.0)
        self.assertLess(apart["low"], 1.5)
        self.assertGreater(apart["high"], 2.5)


class Interval(unittest.TestCase):
    def test_the_same_measurements_give_the_same_interval(self):
        values = [1.0, 1.3157, 0.9221, 1.1043, 1.2718]  # means of resamples hardly ever coincide
        self.assertEqual(pairs.interval([values], statistics.fmean), pairs.interval([list(values)], statistics.fmean))

    def test_it_lies_inside_the_measurements_and_around_the_median(self):
        values = [1.0, 1.3, 0.9, 1.1, 1.2, 1.15, 0.95]
        low, high = pairs.interval([values], statistics.median)
        self.assertTrue(min(values) <= low < statistics.median(values) < high <= max(values))

    def test_it_covers_the_truth_as_often_as_it_says(self):
        # 200 samples of 15 from a known distribution: about 95 of a hundred intervals hold its median.
        import random
        source = random.Random(7)
        held = 0
        for _ in range(200):
            low, high = pairs.interval([[source.gauss(1.0, 0.1) for _ in range(15)]], statistics.median)
            held += low <= 1.0 <= high
        self.assertGreaterEqual(held, 180)
        self.assertLess(held, 200)

    def test_more_rounds_are_surer(self):
        few, many = [0.9, 1.0, 1.1] * 2, [0.9, 1.0, 1.1] * 20
        width = {len(one): (lambda b: b[1] - b[0])(pairs.interval([one], statistics.fmean)) for one in (few, many)}
        self.assertLess(width[60], width[6] / 2)


if __name__ == "__main__":
    unittest.main()
