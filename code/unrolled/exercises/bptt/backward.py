"""The exercise ``bptt.backward``."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.bptt import _other_sweeps
from unrolled.exercises.bptt._elman import unclipped, unscaled
from unrolled.exercises.bptt._sweep_cases import at_the_end, drawn, saturated
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]


def backward(direct: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Go back through steps that add to the state: dW, dU, db and dh0.

    h_t = h_{t-1} + tanh(W x_t + U h_{t-1} + b). x is (T, B, I), h is
    (T + 1, B, H), direct is (T, B, H): x_t is x[t - 1], h_t is h[t], and
    direct[t - 1] is what the loss itself says of h_t. Leave `direct`
    as it is.
    """
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
    later = np.zeros_like(h[0])  # what the steps after t say of h_t
    for t in range(len(x), 0, -1):
        both = direct[t - 1] + later
        da = both * (1 - (h[t] - h[t - 1]) ** 2)
        dW += da.T @ x[t - 1]
        dU += da.T @ h[t - 1]
        db += da.sum(axis=0)
        later = both + da @ U
    return dW, dU, db, later


_ZEROS = "zeros of any shape that broadcasts to a state"
_STEPS = "x and direct have as many steps"
_UNITS = "W and U have as many rows, one for each unit"

EXERCISE = Exercise(
    backward,
    cases=[
        drawn(2, 2, 3, 2),
        drawn(5, 2, 3, 4),
        drawn(5, 2, 3, 4),
        drawn(4, 3, 1, 2),
        drawn(1, 2, 4, 3),
        drawn(7, 1, 2, 3, start=0.0),
        drawn(3, 4, 2, 1),
        drawn(3, 3, 3, 3),
        at_the_end(4, 2, 3, 2),
        drawn(4, 2, 3, 2, weights=0.0),
        drawn(35, 2, 1, 3, weights=0.3),
        drawn(4, 3, 2, 5, error=1e6),
        drawn(3, 2, 5, 4, error=1e-6),
        saturated(),
    ],
    alternatives=[_other_sweeps.by_sequences, _other_sweeps.at_once, _other_sweeps.by_torch],
    parts=("dW", "dU", "db", "dh0"),
    properties=[unclipped(backward), unscaled(backward), _other_sweeps.goes_all_the_way],
    equivalent={
        "later = np.zeros_like(h[0]) -> later = np.zeros_like(direct[0])": _ZEROS,
        "later = np.zeros_like(h[0]) -> later = np.zeros_like(U[0])": _ZEROS,
        "later = np.zeros_like(h[0]) -> later = np.zeros_like(h[1])": _ZEROS,
        "later = np.zeros_like(h[0]) -> later = np.zeros_like(h[-1])": _ZEROS,
        "for t in range(len(x), 0, -1): -> for t in range(len(direct), 0, -1):": _STEPS,
        "dW, dU, db = (np.zeros_like(W), np.zeros_like(U), np.zeros(len(U)))"
        " -> dW, dU, db = (np.zeros_like(W), np.zeros_like(U), np.zeros(len(W)))": _UNITS,
    },
    mistakes={
        "last_step_only": Mistake(
            """Only the last step is in the derivatives: the way back goes no further.

            The same W, U and b act in every step, and each step adds its part. Likely: no loop,
            or a `return` inside it, which ends the sweep after its first turn.
            """,
            {"    return": "        return"},
        ),
        "assigned": Mistake(
            """Only the first step is in the derivatives of the weights: the sum over time is
            missing.

            Likely: `=` where `+=` belongs, so that each step overwrites what the steps after it
            have found. The same W, U and b act in every step, and each adds its part.
            """,
            {"dW +=": "dW =", "dU +=": "dU =", "db +=": "db ="},
        ),
        **{
            f"assigned_{name}": Mistake(
                f"""Only the first step is in `{name}`: the sum over time is missing. The others are
                right.

                Likely: `=` where `+=` belongs. The same weights act in every step, and each adds
                its part.
                """,
                {f"{name} +=": f"{name} ="},
            )
            for name in ("dW", "dU", "db")
        },
        "not_carried": Mistake(
            """Nothing is carried back from one step to the step before.

            The state h_t acts on the loss in two ways: itself, which is `direct`, and through the
            next step.
            """,
            {"direct[t - 1] + later": "direct[t - 1]"},
        ),
        "only_the_last_loss": Mistake(
            """What the loss says is used at the last step only. At the others, `direct` is left
            out.

            Every step has its own part in the loss.
            """,
            {"np.zeros_like(h[0])": "direct[-1]", "direct[t - 1] + later": "later"},
        ),
        "last_loss_twice": Mistake(
            """The error of the last step is counted twice.

            Likely: what is carried begins with direct[-1], and the first turn of the loop adds it
            once more. After the last step nothing comes: begin with zeros.
            """,
            {"np.zeros_like(h[0])": "direct[-1]"},
        ),
        "forwards": Mistake(
            """The sweep goes from the first step to the last: it hands on in the wrong direction.

            What step t + 1 says of h_t must be known before step t can be done.
            """,
            {"range(len(x), 0, -1)": "range(1, len(x) + 1)"},
        ),
        "through_transpose": Mistake(
            """From step to step, U is the wrong way round.

            Forward, a batch of states is multiplied as `h @ U.T`. As U is square, the shapes do
            not tell.
            """,
            {"da @ U": "da @ U.T"},
        ),
        "recurrent_transposed": Mistake(
            """`dU` is transposed.

            U[i, j] leads from unit j of h_{t-1} to unit i of h_t. As U is square, the shapes do
            not tell.
            """,
            {"da.T @ h[t - 1]": "h[t - 1].T @ da"},
        ),
        "slope_of_elman": Mistake(
            """The slope of tanh is taken as 1 - h_t**2, as in Elman's network. There h_t *is* the
            tanh. Here it is the tanh added to h_{t-1}: what did tanh return?
            """,
            {"(h[t] - h[t - 1]) ** 2": "h[t] ** 2"},
        ),
        "elmans_sweep_whole": Mistake(
            """This is the sweep of Elman's network, unchanged: its slope, 1 - h_t**2, and its
            one way back.

            Here tanh returned h_t - h_{t-1}, and h_{t-1} acts on h_t in two ways.
            """,
            {"(h[t] - h[t - 1]) ** 2": "h[t] ** 2", "both + da @ U": "da @ U"},
        ),
        "gradient_b_whole": Mistake(
            """This is gradient B of the opening. Its slope, 1 - h_t**2, is that of a state which
            tanh has just made; here tanh returned h_t - h_{t-1}.

            And past tanh goes all that is said of h_t, not only what the steps after t say.
            """,
            {"(h[t] - h[t - 1]) ** 2": "h[t] ** 2", "later = both": "later = later"},
        ),
        "slope_of_the_step_before": Mistake(
            """The slope of tanh is that of the step before: h_{t-1} - h_{t-2} is what tanh returned
            in step t - 1.

            The indices differ by one: x_t is `x[t - 1]`, but h_t is `h[t]`, because `h[0]` is
            the initial state.
            """,
            {"(h[t] - h[t - 1])": "(h[t - 1] - h[t - 2])"},
        ),
        "slope_forgotten": Mistake(
            """The derivative of tanh is left out.

            In each step what is said of h_t goes back through tanh to reach a_t, and from there
            the weights.
            """,
            {" * (1 - (h[t] - h[t - 1]) ** 2)": ""},
        ),
        "tanh_twice": Mistake(
            """The slope of tanh is taken as 1 - tanh(h_t - h_{t-1})**2. But the difference has been
            through tanh already.
            """,
            {"(h[t] - h[t - 1]) ** 2": "np.tanh(h[t] - h[t - 1]) ** 2"},
        ),
        "slope_not_squared": Mistake(
            """The slope of tanh is 1 minus its *square*, and the square is missing.""",
            {"(h[t] - h[t - 1]) ** 2": "(h[t] - h[t - 1])"},
        ),
        "carried_around_tanh": Mistake(
            """What goes back through U has not gone through tanh.

            One way leads past tanh and takes no U. The other leads through both.
            """,
            {"da @ U": "both @ U"},
        ),
        "added_way_through_tanh": Mistake(
            """The way past tanh is multiplied by the slope of tanh.

            h_{t-1} is added to the tanh, outside of it. What is said of h_t reaches it that way
            as it is.
            """,
            {"both + da @ U": "da + da @ U"},
        ),
        "later_outside_the_bracket": Mistake(
            """What comes from the step after is added behind tanh: to reach a_t it must go through
            it, like what the loss says.
            """,
            {
                "da = both * (1 - (h[t] - h[t - 1]) ** 2)": "da = direct[t - 1] * (1 - (h[t] - "
                "h[t - 1]) ** 2) + later"
            },
        ),
        "elmans_sweep": Mistake(
            """What goes back to h_{t-1} is da @ U alone. That is Elman's sweep.

            Here h_{t-1} acts on h_t in two ways: inside tanh, through U, and by being added.
            """,
            {"both + da @ U": "da @ U"},
        ),
        "past_tanh_only": Mistake(
            """What goes back to h_{t-1} is only what goes past tanh. The other way, through tanh
            and U, is missing.
            """,
            {"both + da @ U": "both"},
        ),
        "gradient_b": Mistake(
            """This is gradient B of the opening, with the slope mended: past tanh goes what the
            steps after t say of h_t, but not what the loss itself says of it.

            All that is said of h_t goes both ways.
            """,
            {"later = both + da @ U": "later = later + da @ U"},
        ),
        "loss_only_past_tanh": Mistake(
            """Past tanh goes only what the loss itself says of h_t, but not what the steps after
            say of it.

            All that is said of h_t goes both ways.
            """,
            {"both + da @ U": "direct[t - 1] + da @ U"},
        ),
        "piles_up": Mistake(
            """What is carried back piles up: what the steps after say is in it twice.

            What the steps after say has been taken in already, when this step says its own.
            """,
            {"later = both": "later += both"},
        ),
        "never_updated": Mistake(
            """What is carried back stays at zero: no step says anything of the step before, nor of
            h[0].

            Each step has something to say of the state before it.
            """,
            {"        later = both + da @ U\n": ""},
        ),
        "paired_with_own_state": Mistake(
            """`dU` pairs step t's da with h_t. In step t, U multiplies h_{t-1}.""",
            {"da.T @ h[t - 1]": "da.T @ h[t]"},
        ),
        "paired_with_input_before": Mistake(
            """`dW` pairs step t's da with x_{t-1}, and at the first step with the last input, which
            is what `x[-1]` is.

            x_t is `x[t - 1]` when t goes down to 1, and `x[t]` when it goes down to 0.
            """,
            {"x[t - 1]": "x[t - 2]"},
        ),
        "one_state_early": Mistake(
            """The states are one step off: h_{t-1} stands for h_t, and h_{t-2} for h_{t-1}.

            The indices differ by one: x_t is `x[t - 1]`, but h_t is `h[t]`, because `h[0]` is
            the initial state. And at the first step `h[-1]` is no error in Python: it is the
            last state.
            """,
            {"(h[t] - h[t - 1])": "(h[t - 1] - h[t - 2])", "da.T @ h[t - 1]": "da.T @ h[t - 2]"},
        ),
        "batch_mean": Mistake(
            """The derivatives of the weights are means over the batch. They should be sums.

            All sequences share the weights, and each adds its part. If the loss is a mean, `direct`
            has been divided by B already.
            """,
            {"return dW, dU, db,": "return dW / len(h[0]), dU / len(h[0]), db / len(h[0]),"},
        ),
        "time_mean": Mistake(
            """The derivatives of the weights are divided by the number of steps. They should be
            sums.

            The same weights act in every step, and each step adds its part. If the loss is a
            mean over time, `direct` has been divided by T already.
            """,
            {"return dW, dU, db,": "return dW / len(x), dU / len(x), db / len(x),"},
        ),
        "bias_mean": Mistake(
            """`db` is a mean over the batch. It should be a sum, as it is in `dW` and `dU`.

            There the sum hides in the matrix product. All sequences share b.
            """,
            {"da.sum(axis=0)": "da.mean(axis=0)"},
        ),
        "writes_into_dh": Mistake(
            """What comes from later steps is added into the caller's own `direct`, which is spoilt
            by it.
            Called again with the same `direct`, this gives another answer.
            """,
            {"both = direct[t - 1] + later": "direct[t - 1] += later; both = direct[t - 1]"},
        ),
        "stops_before_h0": Mistake(
            """`dh0` is the da of step 1. From there it goes on to the initial state, as from every
            step to the state before.
            """,
            {"dU, db, later": "dU, db, da"},
        ),
        "through_no_tanh": Mistake(
            """`dh0` is multiplied by 1 - h[0]**2, as if h[0] had come out of a tanh.

            No step made the initial state.
            """,
            {"dU, db, later": "dU, db, later * (1 - h[0] ** 2)"},
        ),
        "initial_state_ignored": Mistake(
            """`dU` misses the first step: there h_0 was left out.

            U multiplies the initial state like any other.
            """,
            {"da.T @ h[t - 1]": "da.T @ h[t - 1] if t > 1 else 0"},
        ),
        "last_step_skipped": Mistake(
            """The last step is left out: the loop begins one step too early in time.""",
            {"range(len(x), 0, -1)": "range(len(x) - 1, 0, -1)"},
        ),
        "first_step_skipped": Mistake(
            """The first step is left out: the loop ends one step too soon.""",
            {"range(len(x), 0, -1)": "range(len(x), 1, -1)"},
        ),
        "sequences_added_first": Mistake(
            """What the sequences say is added up first, and so are their inputs, and the sums are
            multiplied. Each sequence has a product of its own: add those up.
            """,
            {
                "da.T @ x[t - 1]": "np.outer(da.sum(axis=0), x[t - 1].sum(axis=0))",
                "da.T @ h[t - 1]": "np.outer(da.sum(axis=0), h[t - 1].sum(axis=0))",
            },
        ),
        "slope_from_inputs": Mistake(
            """The slope of tanh is computed from W x and U h, without b, which you are not given.
            The states themselves tell it.
            """,
            {"(h[t] - h[t - 1]) ** 2": "np.tanh(x[t - 1] @ W.T + h[t - 1] @ U.T) ** 2"},
        ),
        "own_unit_only": Mistake(
            """Back through U goes each unit by itself: only the diagonal of U is used. Every unit
            has told every other.
            """,
            {"da @ U": "da * np.diag(U)"},
        ),
        "stacked_in_sweep_order": Mistake(
            """The steps' da are stacked in the order of the sweep, last step first, and x and h
            are not.

            So each da meets another step's input.
            """,
            """
            later, rows = np.zeros_like(h[0]), []
            for t in range(len(x), 0, -1):
                both = direct[t - 1] + later
                rows.append(both * (1 - (h[t] - h[t - 1]) ** 2))
                later = both + rows[-1] @ U
            da = np.concatenate(rows)
            before = h[:-1].reshape(len(da), -1)
            return da.T @ x.reshape(len(da), -1), da.T @ before, da.sum(0), later
            """,
        ),
    },
)
