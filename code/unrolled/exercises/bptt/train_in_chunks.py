"""The exercise ``bptt.train_in_chunks``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.bptt._other_loops import by_hand, by_modules
from unrolled.exercises.grading import Exercise, Mistake


def train_in_chunks(
    x: Array,
    y: Array,
    new: Array,
    W: Any,
    U: Any,
    b: Any,
    V: Any,
    length: int,
    rate: float,
    clip: float,
) -> Any:
    """Descend along streams, one update a chunk; return W, U, b and V.

    x is (T, B, I), y is (T, B, O): x_t is x[t - 1]. new is (T, B): where
    new[t - 1] is True, a row begins another text with step t. The chunks
    have `length` steps, the last may have fewer. `clip` is the longest
    gradient let through.
    """
    import torch

    weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b, V)]
    optimizer = torch.optim.SGD(weights, lr=rate)
    W, U, b, V = weights
    inputs, targets = torch.tensor(x), torch.tensor(y)
    begins = torch.tensor(new).unsqueeze(-1)
    h = inputs.new_zeros(x.shape[1], len(b))
    for start in range(0, len(x), length):
        loss: Any = 0.0
        for t in range(start, min(start + length, len(x))):
            h = torch.where(begins[t], 0.0, h)
            h = torch.tanh(inputs[t] @ W.T + h @ U.T + b)
            loss = loss + (h @ V.T - targets[t]).square().sum() / 2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, clip)
        optimizer.step()
        h = h.detach()
    return tuple(each.detach().numpy() for each in weights)


_rng = np.random.default_rng(0)


def _case(
    *sizes: int,
    length: int,
    new: Sequence[tuple[int, int]] = (),
    rate: float = 0.1,
    clip: float = 100.0,
    weights: float = 1.0,
) -> tuple[Any, ...]:
    """Draw a stream, what it is to answer, and first weights; texts begin at ``new``."""
    T, B, I, H, O = sizes  # noqa: E741
    shapes = ((T, B, I), (T, B, O), (H, I), (H, H), (H,), (O, H))
    x, y, *drawn = (numbers(_rng, *shape) for shape in shapes)
    begins = np.zeros((T, B), dtype=bool)
    for place in new:
        begins[place] = True
    return x, y, begins, *(weights * each for each in drawn), length, rate, clip


_NEW = "            h = torch.where(begins[t], 0.0, h)\n"
_CLIP = "        torch.nn.utils.clip_grad_norm_(weights, clip)\n"
_ZERO = "        optimizer.zero_grad()\n"
_BACK = "        loss.backward()\n"
_STEP = "        optimizer.step()\n"
_LOSS = "loss = loss + (h @ V.T - targets[t]).square().sum() / 2"

_STEPS = "x, y and new have as many steps"
_UNITS = "W, U and b have as many rows, one for each unit"

EXERCISE = Exercise(
    train_in_chunks,
    cases=[
        _case(5, 1, 1, 2, 1, length=2),
        _case(5, 1, 2, 2, 1, length=2, clip=0.5),
        _case(5, 1, 1, 2, 1, length=3, new=[(1, 0)]),
        _case(5, 2, 1, 2, 1, length=3, new=[(1, 0), (3, 1)]),
        _case(6, 3, 2, 4, 5, length=2, new=[(0, 2), (3, 1)], clip=1.0),
        _case(3, 2, 4, 3, 1, length=1, new=[(1, 0)], rate=0.01),
        _case(1, 2, 3, 1, 2, length=4, new=[(0, 1)]),
        _case(31, 1, 2, 3, 2, length=8, new=[(8, 0)], weights=0.7, rate=0.02, clip=2.0),
    ],
    alternatives=[by_hand, by_modules],
    parts=("W", "U", "b", "V"),
    tolerance=1e-6,  # torch divides by the norm and a millionth more
    equivalent={
        "for start in range(0, len(x), length): -> for start in range(0, len(y), length):": _STEPS,
        "for start in range(0, len(x), length): -> for start in range(0, len(new), length):": (
            _STEPS
        ),
        "for t in range(start, min(start + length, len(x))):"
        " -> for t in range(start, min(start + length, len(y))):": _STEPS,
        "for t in range(start, min(start + length, len(x))):"
        " -> for t in range(start, min(start + length, len(new))):": _STEPS,
        "for t in range(start, min(start + length, len(x))):"
        " -> for t in range(start, min(len(x), start + length)):": "min does not mind the order",
        **{
            "h = inputs.new_zeros(x.shape[1], len(b))"
            f" -> h = inputs.new_zeros({other}.shape[1], len(b))": (
                "each has a column for each sequence"
            )
            for other in ("y", "new")
        },
        "h = inputs.new_zeros(x.shape[1], len(b)) -> h = inputs.new_zeros(x.shape[1], len(U))": (
            _UNITS
        ),
        "h = inputs.new_zeros(x.shape[1], len(b)) -> h = inputs.new_zeros(x.shape[1], len(W))": (
            _UNITS
        ),
        **dict.fromkeys(
            (f"loss: Any = 0.0 -> loss: Any = {other}" for other in ("-1.0", "1.0")),
            "a number added to the loss has no derivative",
        ),
    },
    mistakes={
        "state_reset": Mistake(
            """The state is forgotten between the chunks: each starts again from 0.

            Only the derivative is cut. The value goes on: `h = h.detach()`, and no zeros inside
            the loop.
            """,
            {"h = h.detach()": "h = torch.zeros_like(h)"},
        ),
        "carried_into_another_text": Mistake(
            """The state of one text is carried into the next.

            Where `new` is true, a row reads its step from a state of zeros.
            """,
            {_NEW: ""},
        ),
        "cut_and_not_emptied": Mistake(
            """Where another text begins, the derivative is cut and the state stays.

            A `detach` keeps the value. There the state should be zero.
            """,
            {"(begins[t], 0.0, h)": "(begins[t], h.detach(), h)"},
        ),
        "all_rows_emptied": Mistake(
            """Where one row begins another text, all rows lose their state.

            The other rows are in the middle of theirs. Empty those that `new` names.
            """,
            {"where(begins[t],": "where(begins[t].any(),"},
        ),
        "emptied_a_step_late": Mistake(
            """The state is emptied after the first step of a text, not before it.

            `new` marks the step that a text begins with. Empty the state, then read the step.
            """,
            {_NEW: "", _LOSS: _LOSS + "\n" + _NEW.rstrip("\n")},
        ),
        "emptied_between_chunks_only": Mistake(
            """A text that begins inside a chunk does not get a state of zeros.

            Texts begin anywhere. Look at `new` at every step.
            """,
            {"where(begins[t],": "where(begins[t] & (t == start),"},
        ),
        "cut_at_every_step": Mistake(
            """The gradient is cut at every step, inside the chunks, too: nothing is carried back
            at all.

            Likely: the detach stands in the loop over the steps. It belongs between the chunks:
            inside a chunk, derivatives go back from step to step.
            """,
            {"h @ U.T": "h.detach() @ U.T"},
        ),
        "detached_before_its_loss": Mistake(
            """The last error of each chunk is lost on W, U and b.

            Likely: the state is detached before the loss has used it. A detached state is a
            constant, and a loss made of it says nothing of the weights behind it.
            """,
            {
                _LOSS: "if t + 1 == min(start + length, len(x)):\n"
                "                h = h.detach()\n"
                f"            {_LOSS}"
            },
        ),
        "not_zeroed": Mistake(
            """Each update moves by the gradients of all chunks so far, not by its own.

            `backward` adds to what is in `grad`. Empty it for each chunk: `zero_grad`, before
            `backward`.
            """,
            {_ZERO: ""},
        ),
        "never_moved": Mistake(
            """The weights come back as they came.

            Either no `step` was taken, or the gradient was empty when it was: `zero_grad` stands
            before `backward`, not between `backward` and `step`.
            """,
            {_STEP: ""},
            {_ZERO: "", _BACK: _BACK + _ZERO},
        ),
        "not_clipped": Mistake(
            """The gradient that the weights move by is not clipped.

            Either nothing clips it, or the clip comes too late, when the step has been taken, or
            too early, when there is no gradient yet. It stands between `backward` and `step`.
            """,
            {_CLIP: ""},
            {_CLIP: "", _STEP: _STEP + _CLIP},
            {_CLIP: "", _BACK: _CLIP + _BACK},
        ),
        "clipped_one_by_one": Mistake(
            """Each of W, U, b and V is clipped by itself.

            The gradient is one vector over all weights. Scaled as a whole it keeps its direction;
            in parts it does not.
            """,
            {
                _CLIP: "        for each in weights:\n"
                "            torch.nn.utils.clip_grad_norm_(each, clip)\n"
            },
        ),
        "clipped_by_value": Mistake(
            """The numbers of the gradient are clipped, each by itself. That turns it.

            Asked for is the longest *gradient* let through: scale it as a whole, by its norm.
            """,
            {"clip_grad_norm_": "clip_grad_value_"},
        ),
        "always_scaled": Mistake(
            """Every gradient is scaled to the length `clip`, short ones too.

            A gradient that is shorter than the clip stays as it is.
            """,
            {
                _CLIP: "        norm = torch.sqrt(sum(w.grad.square().sum() for w in weights))\n"
                "        for w in weights:\n"
                "            w.grad.mul_(clip / norm)\n"
            },
        ),
        "one_update": Mistake(
            """The weights move once, at the end, by the gradients of all chunks added up.

            Chunks are there so that an update need not wait: `zero_grad`, `backward`, clip and
            `step` stand inside the loop over the chunks.
            """,
            {
                _ZERO: "",
                _CLIP: "",
                _STEP: "",
                "    return": (_CLIP + _STEP).replace("        ", "    ") + "    return",
            },
        ),
        "update_at_every_step": Mistake(
            """The weights move at every step. They should move once a chunk.

            Likely: `zero_grad`, `backward` and `step` stand in the inner loop, or the loop over
            the chunks goes on by one step.
            """,
            {"range(0, len(x), length)": "range(len(x))", "start + length": "start + 1"},
        ),
        "rest_dropped": Mistake(
            """The last chunk is left out when it is shorter than the others.

            It has an update, too. `len(x) // length` counts the whole chunks only.
            """,
            {"len(x), length)": "len(x) - length + 1, length)"},
        ),
        "last_chunk_dropped": Mistake(
            """The last chunk is left out.

            Likely: a loop that ends too soon, as `range(0, len(x) - length, length)` does.
            """,
            {"len(x), length)": "len(x) - length, length)"},
        ),
        "mean_over_steps": Mistake(
            """The loss of a chunk is divided by its number of steps. It should be a sum.

            With a mean, each error in a short chunk counts more.
            """,
            {"loss.backward()": "(loss / min(length, len(x) - start)).backward()"},
        ),
        "mean_of_squares": Mistake(
            """The loss is a mean over sequences, steps or outputs. It should be a sum.

            `mse_loss` takes the mean of all numbers, if it is not told otherwise.
            """,
            {"loss.backward()": "(loss / (min(length, len(x) - start) * y[0].size)).backward()"},
            {_LOSS: _LOSS.replace(".sum()", ".mean()")},
        ),
        "half_forgotten": Mistake(
            """The gradient is twice what it should be: the half in the loss is left out.""",
            {_LOSS: _LOSS.removesuffix(" / 2")},
        ),
        "last_loss_only": Mistake(
            """What is said at the last step of each chunk is used, and the rest is left out.

            Every step has its own error. Add the losses up: `loss = loss + ...`.
            """,
            {"loss = loss + (": "loss = ("},
        ),
        "weight_left_out": Mistake(
            """One of W, U, b and V came back as it came, and the others have moved.

            Likely: the optimizer was not given it. It moves what it was given, and says nothing
            of the rest.
            """,
            *(
                {"SGD(weights,": f"SGD({rest},"}
                for rest in (
                    "weights[1:]",
                    "weights[:1] + weights[2:]",
                    "weights[:2] + weights[3:]",
                    "weights[:3]",
                )
            ),
        ),
        "runs_uphill": Mistake(
            """The weights move the wrong way: up the loss.""",
            {"loss.backward()": "(-loss).backward()"},
        ),
        "time_and_batch_swapped": Mistake(
            """Time and batch are swapped: this goes along the sequences as if they were steps.

            The arrays are time-major, (T, B, I): `x[t]` holds one step of all sequences.
            """,
            """
            turned = x.swapaxes(0, 1), y.swapaxes(0, 1), new.swapaxes(0, 1)
            return solution(*turned, W, U, b, V, length, rate, clip)
            """,
        ),
    },
)
