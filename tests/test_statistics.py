"""Statistics of claims: scipy's numbers, intervals that cover, tests that do not cry wolf."""

import json
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from unrolled.experiments.statistics import Difference, Estimate, Rate, Test, compare, holm

FLAGS = st.lists(st.booleans(), min_size=1, max_size=30)
GAPS = st.lists(st.integers(-50, 50), min_size=1, max_size=9)
CHANCES = st.lists(st.floats(0, 1), max_size=12)


def flags(found, name="ok"):
    return [{name: one} for one in found]


def pairs(first, second):
    return [{"a": a, "b": b} for a, b in zip(first, second, strict=True)]


def rate(runs, **declared):
    (found,) = compare([Rate(label="it works", **{"quantity": "ok", **declared})], runs)
    assert isinstance(found, Estimate)
    return found


def difference(runs, first="a", second="b"):
    (found,) = compare([Difference(label="a against b", first=first, second=second)], runs)
    assert isinstance(found, Test)
    return found


# A rate


def test_a_rate_in_words():
    assert rate(flags([True] * 17 + [False] * 3)).words == "17 of 20 runs (95 %: 62 to 97 %)"


@given(FLAGS)
def test_the_interval_is_scipys_and_holds_the_rate(found):
    one = rate(flags(found))
    n, k = len(found), sum(found)
    low = stats.beta.ppf(0.025, k, n - k + 1) if k else 0
    high = stats.beta.ppf(0.975, k + 1, n - k) if k < n else 1
    assert (one.low, one.high) == pytest.approx((low, high))
    assert one.low <= k / n <= one.high


@given(FLAGS)
def test_failures_have_the_mirrored_interval(found):
    one, other = rate(flags(found)), rate(flags([not x for x in found]))
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low))


@pytest.mark.parametrize("n", [5, 20])
@pytest.mark.parametrize("true", [0.02, 0.5, 0.9, 0.99])
def test_the_interval_covers_the_true_rate_at_least_as_often_as_it_says(n, true):
    random = np.random.default_rng(0)
    found = {k: rate(flags([1] * k + [0] * (n - k))) for k in range(n + 1)}
    drawn = random.binomial(n, true, size=20_000)
    covered = np.mean([found[k].low <= true <= found[k].high for k in drawn])
    assert covered > 0.95 - 0.005  # three standard errors


def test_bounds_count_their_ends_and_a_function_may_decide():
    runs = [{"ok": x, "rest": [x, 1 - x]} for x in (0.0, 0.25, 0.5, 1.0)]
    assert rate(runs, at_least=0.25).successes == 3
    assert rate(runs, at_most=0.25).successes == 2
    assert rate(runs, at_least=0.25, at_most=0.5).successes == 2
    assert rate(runs, quantity=("rest", 1), at_least=0.75).successes == 2
    assert rate(runs, quantity=lambda run: run["rest"][0] < run["rest"][1]).successes == 2


def test_fractions_of_trials_are_counted_over_all_runs():
    one = rate(flags([1 / 6, 5 / 6, 1.0]), of=6, unit="networks")
    assert (one.successes, one.trials) == (12, 18)
    assert one.words.startswith("12 of 18 networks (95 %: ")


@pytest.mark.parametrize(
    ("runs", "declared", "said"),
    [
        ([], {}, "at least one run"),
        (flags([0.5]), {}, "it works: quantity must be 0 or 1 without a bound, got [0.5]"),
        (flags([0.4]), {"of": 6}, "must be a fraction of 6, got [0.4]"),
        (flags([2]), {"of": 6}, "must be a fraction of 6"),
        (flags([-1]), {}, "must be 0 or 1"),
        (flags([np.nan]), {}, "'ok' must be finite"),
        (flags([[1]]), {}, "'ok' must be a number"),
        (flags([1], "other"), {}, "no quantity 'ok' was measured; there are other"),
        (flags([[1]]), {"quantity": ("ok", 1)}, "'ok'[1]: no such element, got [1]"),
    ],
)
def test_what_was_not_measured_so_is_named(runs, declared, said):
    with pytest.raises((KeyError, TypeError, ValueError)) as error:
        rate(runs, **declared)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"label": ""}, "label must be some text, got ''"),
        ({"unit": 3}, "unit must be some text, got 3"),
        ({"quantity": 3}, "quantity must be a name"),
        ({"quantity": ("a", "b")}, "quantity must be a name"),
        ({"at_least": "x"}, "at_least must be a number, got 'x'"),
        ({"at_least": 2, "at_most": 1}, "at_least must not be above at_most, got 2 and 1"),
        ({"of": 0}, "of must be at least 1, got 0"),
        ({"of": 6, "at_least": 0.5}, "of=6 counts fractions"),
    ],
)
def test_a_wrong_rate_is_refused(declared, said):
    with pytest.raises((TypeError, ValueError)) as error:
        Rate(**{"label": "x", "quantity": "ok", **declared})
    assert said in str(error.value)


# A difference of two quantities


def test_a_difference_in_words():
    low, high = [1, 2, 3, 4, 5], [2, 4, 6, 8, 10]
    least = "p = 0.062 (the least that 5 runs can give)"
    assert difference(pairs(low, high)).words == f"lower in all 5 runs; mean difference: {least}"
    assert difference(pairs(high, low)).words == f"higher in all 5 runs; mean difference: {least}"
    assert difference(pairs(low, low)).words == "equal in all 5 runs, p = 1"
    assert difference(pairs([1], [2])).words.startswith(
        "lower in 1 run; mean difference: p = 1 (the least"
    )
    mixed = difference(pairs([1, 2, 3, 4, 9], [2, 4, 3, 8, 1]))
    assert mixed.words.startswith("lower in 3 of 5 runs, equal in 1; mean difference: p = ")
    assert (mixed.lower, mixed.higher, mixed.median) == (3, 1, -1)


@given(GAPS)
@example([0, 0, -7, -50, 41, 47, 0, -31])  # their sum is 0, but not that of the scaled ones
def test_all_signs_are_tried(gaps):
    """The definition: the part of all 2^n signs whose mean is as far from 0 or further."""
    x = np.array(gaps) / (max(map(abs, gaps)) or 1)
    means = np.array([np.mean(x * signs) for signs in product([-1, 1], repeat=len(x))])
    expected = np.mean(abs(means) >= abs(x.mean()) - 1e-12)
    assert difference(pairs(gaps, [0] * len(gaps))).p == pytest.approx(expected)


@given(GAPS, st.floats(1e-6, 1e6))
def test_exchange_and_scale_change_no_p(gaps, scale):
    there = difference(pairs(gaps, [0] * len(gaps)))
    back = difference(pairs([0] * len(gaps), [scale * x for x in gaps]))
    assert there.p == pytest.approx(back.p)
    assert (there.lower, there.higher) == (back.higher, back.lower)


@pytest.mark.parametrize("n", [3, 5, 10, 13, 14, 20])
def test_no_runs_give_less_than_the_least(n):
    found = difference(pairs(range(1, n + 1), [0] * n))
    assert found.p == pytest.approx(found.least)
    assert found.least == pytest.approx(2 / 2**n if n < 14 else 2 / 10_000)


def test_without_a_difference_small_p_are_as_rare_as_they_say():
    random = np.random.default_rng(0)
    p = [difference(pairs(*random.normal(size=(2, 7)))).p for _ in range(500)]
    assert min(p) >= 2 / 2**7
    for level in (0.05, 0.2, 0.5):  # within three standard errors
        part = np.mean(np.array(p) <= level)
        assert abs(part - level) < 1 / 2**6 + 3 * np.sqrt(level * (1 - level) / 500)


def test_many_runs_agree_with_the_exact_test():
    gaps = np.random.default_rng(1).normal(0.4, 1, size=16)
    exact = stats.permutation_test(
        (gaps,), np.mean, permutation_type="samples", n_resamples=2**16, vectorized=True
    )
    assert difference(pairs(gaps, 0 * gaps)).p == pytest.approx(exact.pvalue, abs=0.015)


def test_the_same_runs_give_the_same_p():
    gaps = np.random.default_rng(1).normal(0.4, 1, size=30)
    assert difference(pairs(gaps, 0 * gaps)) == difference(pairs(gaps, 0 * gaps))


# A difference of two rates


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=15))
def test_rates_of_the_same_runs_are_paired(found):
    first, second = (Rate(label=name, quantity=name) for name in "ab")
    one = difference(pairs(*zip(*found, strict=True)), first, second)
    table = [[sum(pair == (a, b) for pair in found) for b in (0, 1)] for a in (0, 1)]
    assert one.method == "McNemar"
    assert one.p == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert one.p >= one.least - 1e-12


def test_rates_of_trials_are_independent_and_eight_comparisons_cost_what_they_cost():
    """FGR against V, as recorded: 15 and 24 of 30 networks."""
    runs = [{"v": v / 6, "fgr": f / 6} for v, f in zip([4, 4, 5, 5, 6], range(1, 6), strict=True)]
    v, fgr = (Rate(label=x, quantity=x, of=6, unit="networks") for x in ("v", "fgr"))
    told = Difference(label="FGR against V", first=fgr, second=v)
    same = Difference(label="V against V", first=v, second=v)
    (alone,) = compare([told], runs)
    assert alone.words == "15 of 30 networks against 24 of 30, p = 0.029"
    assert alone.method == "Fisher"
    among = compare([told, *[same] * 7], runs)
    assert among[0].words.endswith("; p = 0.23 when corrected for 8 comparisons")
    assert [one.corrected for one in among[1:]] == [1] * 7


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", Rate(label="b", quantity="b")),
        (Rate(label="a", quantity="a"), Rate(label="b", quantity="b", of=3)),
        (
            Rate(label="a", quantity="a", of=3, unit="networks"),
            Rate(label="b", quantity="b", of=3, unit="strings"),
        ),
    ],
)
def test_only_like_is_compared_with_like(first, second):
    with pytest.raises(ValueError, match="x: first and second must be two quantities, or two rat"):
        Difference(label="x", first=first, second=second)


@pytest.mark.parametrize("side", [None, 3, ("a",)])
def test_a_wrong_quantity_is_refused(side):
    with pytest.raises(TypeError, match="second must be a name, a pair of name and index, or a f"):
        Difference(label="x", first="a", second=side)


def test_a_difference_too_large_for_a_number_is_named():
    with pytest.raises(ValueError, match="a against b: differences must be finite"):
        difference(pairs([1e308, 1], [-1e308, 0]))


# Several


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_holm_is_statsmodels(n):
    p = np.random.default_rng(n).uniform(size=n) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist())


@given(CHANCES)
def test_a_correction_only_raises_and_keeps_the_order(p):
    corrected = holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, corrected, strict=True))
    raised = [after for _, after in sorted(zip(p, corrected, strict=True))]
    assert all(a <= b for a, b in pairwise(raised))


@pytest.mark.parametrize("p", [[1.5], [-0.1], [np.nan], 0.5])
def test_holm_takes_probabilities_only(p):
    with pytest.raises((TypeError, ValueError)):
        holm(p)


def test_the_confirmation_counts_where_there_is_one():
    declared = [Rate(label="it works", quantity="ok")]
    (development,) = compare(declared, flags([1, 1, 1]))
    (confirmed,) = compare(declared, flags([1, 1, 1]), flags([0, 1]))
    assert compare(declared, flags([1, 1, 1]), []) == [development]
    assert (development.successes, development.trials) == (3, 3)
    assert (confirmed.successes, confirmed.trials) == (1, 2)


def test_a_machine_can_read_it():
    declared = [
        Rate(label="a is small", quantity="a", at_most=2),
        Difference(label="a against b", first="a", second="b"),
    ]
    found = compare(declared, pairs([1, 2, 3], [4, 4, 4]))
    kept = json.loads(json.dumps([one.as_json() for one in found], allow_nan=False))
    assert [one["kind"] for one in kept] == ["rate", "difference"]
    assert [one["words"] for one in kept] == [one.words for one in found]
    assert kept[1]["p"] == kept[1]["least"] == 0.25
    assert (kept[0]["successes"], kept[0]["trials"], kept[0]["level"]) == (2, 3, 0.95)
