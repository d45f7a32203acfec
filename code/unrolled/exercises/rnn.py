"""The exercises of the chapter on the loop."""

# ruff: noqa: D401, D404  (the docstring of a mistake is what its author is told)

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.exercises.grading import Exercise, bug_hunt

Array = NDArray[np.float64]
Lengths = NDArray[np.int64]
Pair = tuple[Array, Array]
Run = Callable[[Array, Lengths], Pair]

_rng = np.random.default_rng(0)


def _draw(*shape: int) -> Array:
    return np.round(_rng.normal(size=shape), 1)


# --- parameters -----------------------------------------------------------------------------


def parameters(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """Count the parameters of a recurrent network that reads a sequence of some steps.

    At each step it computes h[t] = tanh(W x[t] + U h[t - 1] + b), the hidden units, and
    y[t] = V h[t] + c, where x[t] holds inputs numbers, h[t] hidden and y[t] outputs.
    Each entry of W, U, b, V and c is a parameter; h[0] is zero and is none.
    All four arguments are whole numbers, at least 1, and so is the result.
    """
    return hidden * inputs + hidden * hidden + hidden + outputs * hidden + outputs


def _parameters_looped(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    count = 0
    for units, fan_in in ((hidden, inputs + hidden), (outputs, hidden)):
        for _ in range(units):
            count += fan_in + 1
    return count


def _parameters_vectorised(steps: int, inputs: int, hidden: int, outputs: int) -> Any:
    shapes = np.array([(hidden, inputs + hidden + 1), (outputs, hidden + 1)])
    return shapes.prod(axis=1).sum()


def _parameters_torch(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    from torch import nn

    layers = nn.Linear(inputs + hidden, hidden), nn.Linear(hidden, outputs)
    return sum(p.numel() for layer in layers for p in layer.parameters())


def _a_copy_for_each_step(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """Here each step has parameters of its own. A recurrent network has the same at all steps.

    The unrolled picture shows as many copies of the network as there are steps, but W, U, b, V
    and c are the same in every copy. The number of steps does not count.
    """
    return steps * parameters(steps, inputs, hidden, outputs)


def _an_input_layer_for_each_step(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """Here the input weights grow with the number of steps, as they do for a window.

    A recurrent network reads one step at a time, each with the same W. The number of steps does
    not count.
    """
    return parameters(steps, steps * inputs, hidden, outputs)


def _no_recurrent_weights(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """The recurrent weights are missing: U leads from every hidden unit to every hidden unit.

    Without them this is a perceptron, applied to each step alone.
    """
    return parameters(steps, inputs, hidden, outputs) - hidden * hidden


def _one_recurrent_weight_a_unit(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """Here each hidden unit receives from itself only. In U h[t - 1] it receives from all of them.

    U is a matrix with `hidden` rows and `hidden` columns.
    """
    return parameters(steps, inputs, hidden, outputs) - hidden * hidden + hidden


def _no_biases_at_all(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """The biases are missing: b has `hidden` entries, c has `outputs`."""
    return parameters(steps, inputs, hidden, outputs) - hidden - outputs


def _no_readout(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """The readout is missing: V leads from each hidden unit to each output, and c is its bias."""
    return hidden * (inputs + hidden + 1)


def _no_readout_bias(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """The bias of the readout is missing: c has one entry for each output."""
    return parameters(steps, inputs, hidden, outputs) - outputs


def _two_biases(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """This counts two biases of the hidden units. `torch.nn.RNN` has two, this network has one.

    Their sum is all that matters: W x[t] + b_ih + U h[t - 1] + b_hh.
    """
    return parameters(steps, inputs, hidden, outputs) + hidden


def _states_counted(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """This counts the states among the parameters. They are computed, not learned.

    There are `steps` states of `hidden` numbers each; none of them is a parameter.
    """
    return parameters(steps, inputs, hidden, outputs) + steps * hidden


# --- memory ---------------------------------------------------------------------------------


def memory(u: float, w: float, lag: int) -> float:
    """Return how much an input counts in the state, lag steps after it was read.

    The state is one number: h[t] = u * h[t - 1] + w * x[t] for t = 1, 2, ..., with
    h[0] = 0. Written out, h[t] is a weighted sum of x[1], ..., x[t]. Return the weight
    of x[t - lag] in it. u and w are numbers, lag is a whole number, at least 0: with
    lag = 0 the weight of x[t] itself is asked for.
    """
    return w * u**lag


def _memory_impulse(u: float, w: float, lag: int) -> float:
    h = w
    for _ in range(lag):
        h = u * h
    return h


def _memory_vectorised(u: float, w: float, lag: int) -> Any:
    return w * np.prod(np.full(lag, u))


def _memory_torch(u: float, w: float, lag: int) -> Any:
    import torch

    x = torch.zeros(lag + 1, dtype=torch.float64, requires_grad=True)
    h = torch.zeros(())
    for each in x.unbind():
        h = u * h + w * each
    h.backward()  # type: ignore[no-untyped-call]
    return x.grad[0] if x.grad is not None else None


def _counts_from_one(u: float, w: float, lag: int) -> float:
    """There is a factor u too many.

    x[t] enters h[t] with the weight w, before any u: try lag = 0. Each step after that
    multiplies by u once, so `lag` steps multiply by u `lag` times.
    """
    return w * u ** (lag + 1)


def _one_factor_short(u: float, w: float, lag: int) -> float:
    """There is a factor u too few.

    x[t - 1] enters h[t - 1] with the weight w, and u * h[t - 1] is a part of h[t]: with lag = 1
    there is one u.
    """
    return w * u ** (lag - 1)


def _input_weight_forgotten(u: float, w: float, lag: int) -> float:
    """The input weight w is missing. An input is multiplied by w when it enters the state."""
    return float(u**lag)


def _w_at_every_step(u: float, w: float, lag: int) -> float:
    """Here w multiplies at every step. An input is multiplied by w once, when it is read.

    From then on it is a part of the state, and a step multiplies the state by u alone.
    """
    return float((u * w) ** lag)


def _roles_exchanged(u: float, w: float, lag: int) -> float:
    """The two weights have changed places: w is used once, u at every step after."""
    return u * w**lag


def _grows_along_a_line(u: float, w: float, lag: int) -> float:
    """Here u is multiplied by the number of steps. Each step multiplies by u again: it is a power.

    After two steps the factor is u * u, not u + u.
    """
    return w * u * lag


def _all_inputs_together(u: float, w: float, lag: int) -> float:
    """This is the weight of the last lag + 1 inputs together, a geometric sum.

    That would be the state if all of them were 1. Only x[t - lag] is asked for.
    """
    return float(w * sum(u**k for k in range(lag + 1)))


def _all_inputs_alike(u: float, w: float, lag: int) -> float:
    """Here every input counts the same, however old. That is so only for u = 1.

    Each step multiplies the whole state by u, and with it every input that is in it.
    """
    return w


# --- unroll ---------------------------------------------------------------------------------


def unroll(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """Run Elman's cell along a batch of sequences.

    x has shape (T, B, I): T steps of B sequences, I numbers each. h0 has shape (B, H),
    W (H, I), U (H, H) and b (H,). The first step reads x[0], the last x[T - 1]. Each
    makes, for every sequence, a new state: tanh(W x[t] + U h + b), where h is the state
    that the step before made, and h0 at the first. Return the T new states in order, as
    an array of shape (T, B, H).
    """
    h, states = h0, []
    for x_t in x:
        h = np.tanh(x_t @ W.T + h @ U.T + b)
        states.append(h)
    return np.array(states)


def _unroll_filled(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    steps, batch = x.shape[:2]
    states = np.empty((steps, batch, len(U)))
    for t in range(steps):
        for sequence in range(batch):
            before = states[t - 1, sequence] if t else h0[sequence]
            states[t, sequence] = np.tanh(W @ x[t, sequence] + U @ before + b)
    return states


def _unroll_projected(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    projected = np.einsum("tbi,hi->tbh", x, W) + b
    states = [h0]
    for p in projected:
        states.append(np.tanh(p + states[-1] @ U.T))
    return np.stack(states[1:])


def _unroll_torch(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Any:
    import torch

    x_, h, W_, U_, b_ = (torch.as_tensor(each) for each in (x, h0, W, U, b))
    states = []
    for x_t in x_.unbind():
        h = torch.tanh(x_t @ W_.T + h @ U_.T + b_)
        states.append(h)
    return torch.stack(states)


def _walking(step: Callable[..., Array], x: Array, h0: Array, *weights: Array) -> Array:
    """Unroll with another idea of a step: step(x_t, h, W, U, b)."""
    h, states = h0, []
    for x_t in x:
        h = step(x_t, h, *weights)
        states.append(h)
    return np.array(states)


def _state_not_kept(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The state is not carried on: every step starts again from h0.

    After `h = ...` the next step must use this h. That is all that makes the network recurrent.
    """
    return np.array([np.tanh(x_t @ W.T + h0 @ U.T + b) for x_t in x])


def _no_recurrence(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The state before is not used at all: U h is missing.

    That is a perceptron, applied to each step alone. It remembers nothing.
    """
    return np.tanh(x @ W.T + b)


def _recurrent_weights_transposed(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The recurrent weights are transposed: `h @ U` is U^T h, not U h.

    Row k of U holds the weights by which unit k receives. With one state a row of h, U h is
    written `h @ U.T`.
    """
    return unroll(x, h0, W, U.T, b)


def _input_weights_transposed(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The input weights are transposed: `x @ W` is W^T x, not W x.

    Row k of W holds the weights by which unit k receives. With one input a row of x, W x is
    written `x @ W.T`. Where I and H differ, this does not even run.
    """
    return _walking(lambda x_t, h, W, U, b: np.tanh(x_t @ W + h @ U.T + b), x, h0, W, U, b)


def _time_and_batch_swapped(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """Time and batch are swapped: the loop runs over the sequences, and state flows between them.

    The first axis of x is time. `for x_t in x` runs over it, and x_t has shape (B, I).
    Where T and B differ, this does not even run.
    """
    return unroll(x.swapaxes(0, 1), h0, W, U, b).swapaxes(0, 1)


def _first_state_included(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The initial state stands in front of the others: h0 was not asked for.

    Return the states that the T steps made, T of them.
    """
    return np.concatenate([h0[None], unroll(x, h0, W, U, b)])


def _states_before_the_steps(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """These are the states before each step, from h0 on: each is stored too early.

    Compute the new state first, then store it.
    """
    return np.concatenate([h0[None], unroll(x, h0, W, U, b)])[:-1]


def _last_state_only(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """This is the last state only. The states after all steps were asked for."""
    return np.array(unroll(x, h0, W, U, b)[-1])


def _one_buffer_for_all(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """Every row holds the last state: one and the same array was stored at each step.

    `h[:] = ...` changes the array that was stored before, too. Make a new one each time,
    `h = np.tanh(...)`, or store `h.copy()`.
    """
    states = unroll(x, h0, W, U, b)
    return np.array([states[-1]] * len(states))


def _no_nonlinearity(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The tanh is missing: this is a linear network."""
    return _walking(lambda x_t, h, W, U, b: x_t @ W.T + h @ U.T + b, x, h0, W, U, b)


def _tanh_of_the_input_only(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The tanh ends too early: U h belongs inside its brackets.

    All three terms are added first, then bent together. As it stands, the state can grow without
    bound.
    """
    return _walking(lambda x_t, h, W, U, b: np.tanh(x_t @ W.T + b) + h @ U.T, x, h0, W, U, b)


def _no_bias(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The bias b is missing: it is added at every step, inside the brackets of tanh."""
    return unroll(x, h0, W, U, np.zeros_like(b))


def _starts_from_zero(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """This begins with a state of zeros. It should begin with h0.

    Zero is only what is usually given. Who calls with the last state of an earlier run wants to
    go on from there.
    """
    return unroll(x, np.zeros_like(h0), W, U, b)


def _first_step_skipped(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The first step is left out, and its row is still empty: arrays count from 0.

    The first step reads x[0] and makes the first row of the result, `range(len(x))`; it is only
    in the formulas of the chapter that the steps count from 1.
    """
    return np.concatenate([0 * h0[None], unroll(x[1:], h0, W, U, b).reshape(-1, *h0.shape)])


def _runs_backwards(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """The loop runs from the last step to the first. Time runs forwards: `for x_t in x`."""
    return unroll(x[::-1], h0, W, U, b)[::-1]


def _first_step_is_a_perceptron(
    result: Array, x: Array, h0: Array, W: Array, U: Array, b: Array
) -> bool:
    """The first row of the result should be tanh(W x[0] + U h0 + b). Yours is not."""
    return np.allclose(result[0], np.tanh(x[0] @ W.T + h0 @ U.T + b), rtol=1e-4)


def _network(steps: int, batch: int, inputs: int, hidden: int) -> tuple[Array, ...]:
    return (
        _draw(steps, batch, inputs),
        _draw(batch, hidden),
        _draw(hidden, inputs),
        _draw(hidden, hidden),
        _draw(hidden),
    )


# --- last_output ----------------------------------------------------------------------------


def last_output(output: Array, lengths: Lengths) -> Any:
    """Return what each sequence of a padded batch put out after its own last step.

    output has shape (T, B, H), time first. Sequence b has lengths[b] steps, from 1 to
    T, and output[t, b] is what it put out after step t = 0, ..., lengths[b] - 1; after
    its end output is zero. lengths is an array of B whole numbers. Return an array of
    shape (B, H), and leave output as it is.
    """
    return output[lengths - 1, np.arange(len(lengths))]


def _last_output_looped(output: Array, lengths: Lengths) -> Array:
    return np.stack([output[lengths[b] - 1, b] for b in range(output.shape[1])])


def _last_output_masked(output: Array, lengths: Lengths) -> Array:
    is_last = np.arange(len(output))[:, None] == lengths - 1
    picked: Array = np.where(is_last[..., None], output, 0).sum(axis=0)
    return picked


def _last_output_torch(output: Array, lengths: Lengths) -> Any:
    import torch

    index = torch.as_tensor(lengths) - 1
    values = torch.as_tensor(output)
    return values.gather(0, index[None, :, None].expand(1, -1, values.shape[2]))[0]


def _last_of_the_batch(output: Array, lengths: Lengths) -> Any:
    """This takes the last step of the batch, `output[-1]`. There the short sequences are padding.

    For each sequence take the step at which it ended itself: lengths[b] - 1.
    """
    return output[-1]


def _one_step_after_the_end(output: Array, lengths: Lengths) -> Any:
    """This is one step too late: `output[lengths[b], b]` is the first step of the padding.

    Steps are counted from 0, so a sequence of n steps ends at step n - 1.
    """
    return output[lengths, np.arange(len(lengths))]


def _one_step_before_the_end(output: Array, lengths: Lengths) -> Any:
    """This is one step too early: a sequence of n steps ends at step n - 1, not n - 2."""
    return output[lengths - 2, np.arange(len(lengths))]


def _every_pair(output: Array, lengths: Lengths) -> Any:
    """This takes, for each sequence's last step, the outputs of all sequences.

    `output[lengths - 1]` chooses steps and keeps the whole batch at each. Choose a sequence with
    each step: `output[lengths - 1, np.arange(B)]`.
    """
    return output[lengths - 1]


def _batch_first_read(output: Array, lengths: Lengths) -> Any:
    """Time and batch are swapped: `output[b, lengths[b] - 1]` reads axis 0 as the batch.

    Here time comes first: `output[lengths[b] - 1, b]`. With other sizes this does not even run.
    """
    return output[np.arange(len(lengths)), lengths - 1]


def _sum_over_time(output: Array, lengths: Lengths) -> Array:
    """This adds up the outputs of all steps. Only the last one of each sequence was asked for."""
    total: Array = output.sum(axis=0)
    return total


def _mean_over_time(output: Array, lengths: Lengths) -> Array:
    """This is the mean over a sequence's steps. Only its last output was asked for."""
    mean: Array = output.sum(axis=0) / lengths[:, None]
    return mean


def _first_output(output: Array, lengths: Lengths) -> Any:
    """This is the output after the first step. The last of each sequence was asked for."""
    return output[0]


def _last_step_of_the_shortest(output: Array, lengths: Lengths) -> Any:
    """One step is taken for all: the last one of the shortest sequence. The others go on after it.

    Each sequence has a last step of its own, lengths[b] - 1.
    """
    return output[lengths.min() - 1]


def _padded_outputs(lengths: Sequence[int], steps: int, hidden: int) -> tuple[Array, Lengths]:
    """Draw outputs that are zero after each sequence's end."""
    ends = np.array(lengths)
    inside = np.arange(steps)[:, None, None] < ends[:, None]
    return np.where(inside, _draw(steps, len(ends), hidden), 0.0), ends


# --- masked_mean ----------------------------------------------------------------------------


def masked_mean(losses: Array, lengths: Lengths) -> float:
    """Return the mean loss over the real steps of a padded batch.

    losses has shape (T, B), time first: losses[t, b] is the loss of sequence b at step
    t = 0, ..., T - 1. Sequence b has lengths[b] steps, from 1 to T; what stands after
    its end is padding and must not count. lengths is an array of B whole numbers. Every
    real step counts the same, in whichever sequence it stands. Return one number.
    """
    inside = np.arange(len(losses))[:, None] < lengths
    return float(losses[inside].mean())


def _masked_mean_looped(losses: Array, lengths: Lengths) -> float:
    total = 0.0
    for b, steps in enumerate(lengths):
        for t in range(steps):
            total += losses[t, b]
    return total / sum(lengths)


def _masked_mean_weighted(losses: Array, lengths: Lengths) -> Any:
    mask = (np.arange(losses.shape[0])[:, np.newaxis] < lengths[np.newaxis]).astype(losses.dtype)
    return (losses * mask).sum() / mask.sum()


def _masked_mean_torch(losses: Array, lengths: Lengths) -> Any:
    import torch

    values = torch.as_tensor(losses)
    return values[torch.arange(len(values))[:, None] < torch.as_tensor(lengths)].mean()


def _mean_of_everything(losses: Array, lengths: Lengths) -> float:
    """The padding counts: this is the mean over all T * B entries.

    Only the first lengths[b] entries of column b belong to a sequence.
    """
    return float(losses.mean())


def _zeroed_then_averaged(losses: Array, lengths: Lengths) -> float:
    """The padding still counts, as zeros: the sum is right, and it is divided by T * B.

    Divide by the number of real steps, `lengths.sum()`. As it is, the same sequences have a
    smaller loss the more padding stands beside them.
    """
    return masked_mean(losses, lengths) * float(lengths.sum()) / losses.size


def _mean_of_means(losses: Array, lengths: Lengths) -> float:
    """This is the mean over the sequences of each one's own mean.

    Then a step of a short sequence counts more than one of a long sequence. Here every step
    counts the same: add up all real losses and divide by how many there are.
    """
    return float(np.mean([losses[:n, b].mean() for b, n in enumerate(lengths)]))


def _sum_of_losses(losses: Array, lengths: Lengths) -> float:
    """This is the sum over the real steps. Their mean was asked for: divide by `lengths.sum()`."""
    return masked_mean(losses, lengths) * float(lengths.sum())


def _per_sequence(losses: Array, lengths: Lengths) -> float:
    """This divides by the number of sequences. The mean is over steps: divide by `lengths.sum()`.

    As it is, longer sequences have a larger loss.
    """
    return masked_mean(losses, lengths) * float(lengths.sum()) / len(lengths)


def _one_step_of_padding(losses: Array, lengths: Lengths) -> float:
    """One step after each sequence's end counts as well: `<=` should be `<`.

    Steps are counted from 0, so the real ones are t = 0, ..., lengths[b] - 1.
    """
    return float(losses[np.arange(len(losses))[:, None] <= lengths].mean())


def _last_step_lost(losses: Array, lengths: Lengths) -> float:
    """The last real step of each sequence is not counted.

    Steps are counted from 0, and step lengths[b] - 1 is real: `t < lengths[b]`.
    """
    return float(losses[np.arange(len(losses))[:, None] < lengths - 1].mean())


def _padding_only(losses: Array, lengths: Lengths) -> float:
    """The mask is the wrong way round: this is the mean over the padding.

    True should stand where a step is real, `t < lengths[b]`.
    """
    return float(losses[np.arange(len(losses))[:, None] >= lengths].mean())


def _cut_to_the_shortest(losses: Array, lengths: Lengths) -> float:
    """Every sequence is cut to the length of the shortest, so real steps are left out.

    Sequence b has lengths[b] real steps of its own.
    """
    return float(losses[: lengths.min()].mean())


def _mask_swapped(losses: Array, lengths: Lengths) -> float:
    """Time and batch are swapped: row b of the losses is masked by the length of sequence b.

    The sequences stand in the columns: losses[t, b]. With other sizes this does not even run.
    """
    return masked_mean(losses.T, lengths)


# --- catches_padding ------------------------------------------------------------------------


def catches_padding(run: Run) -> None:
    """Test run: return if it is right, raise AssertionError if it is not.

    You are given an implementation. run(x, lengths) carries a recurrent network with
    weights of its own along a batch of padded sequences. x has shape (T, B, 2), time
    first, and lengths is an array of B whole numbers from 1 to T. It returns two
    arrays, (output, last): output of shape (T, B, 3) holds the state after each step of
    each sequence and zero after its end, last of shape (B, 3) each sequence's state
    after its own last step. In a right one every sequence comes out as it would alone,
    without padding: run(x[:n, b : b + 1], np.array([n])) with n = lengths[b]. What the
    padding holds has no effect.

    Call run with a batch of your choice, and compare both arrays with what they should
    be. Right ones may differ in the last digits: use np.allclose.
    """
    x = np.random.default_rng(0).normal(size=(4, 3, 2))
    lengths = np.array([2, 4, 1])
    output, last = run(x, lengths)
    for b, n in enumerate(lengths):
        alone, end = run(x[:n, b : b + 1], lengths[b : b + 1])
        assert np.allclose(output[:n, b], alone[:, 0])
        assert np.allclose(output[n:, b], 0)
        assert np.allclose(last[b], end[0])


def _catches_padding_disturbed(run: Run) -> None:
    rng = np.random.default_rng(1)
    lengths = np.array([3, 5, 1, 4])
    x = rng.normal(size=(5, 4, 2))
    padding = np.arange(5)[:, None] >= lengths
    other = np.where(padding[..., None], 9.0, x)
    output, last = run(x, lengths)
    same, same_last = run(other, lengths)
    np.testing.assert_allclose(output, same, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(last, same_last, rtol=1e-6, atol=1e-9)
    assert not output[padding].any()
    np.testing.assert_allclose(output[lengths - 1, np.arange(4)], last, rtol=1e-6)
    for b in range(4):
        whole, _ = run(x[:, b : b + 1], np.array([5]))
        np.testing.assert_allclose(output[: lengths[b], b], whole[: lengths[b], 0], rtol=1e-6)


def _catches_padding_torch(run: Run) -> None:
    import torch

    x = torch.linspace(-2, 2, 24, dtype=torch.float64).sin().reshape(4, 3, 2)
    lengths = [1, 3, 4]
    output, last = map(torch.as_tensor, run(x.numpy(), np.array(lengths)))
    for b, n in enumerate(lengths):
        alone, end = map(torch.as_tensor, run(x[:n, b : b + 1].numpy(), np.array([n])))
        torch.testing.assert_close(output[:n, b], alone[:, 0])
        torch.testing.assert_close(output[n:, b], torch.zeros_like(output[n:, b]))
        torch.testing.assert_close(last[b], end[0])


_W = np.array([[0.9, -0.4], [-0.3, 0.8], [0.5, 0.6]])
_U = np.array([[0.5, -0.7, 0.2], [0.4, 0.3, -0.6], [-0.2, 0.8, 0.5]])
_B = np.array([0.3, -0.2, 0.1])


def _demand_batch(x: Any, lengths: Any) -> None:
    """Tell a test what it may ask of an implementation."""
    if not isinstance(x, np.ndarray) or x.ndim != 3 or x.shape[2] != 2:
        raise TypeError("x must be an array of shape (T, B, 2)")
    n = np.asarray(lengths)
    if n.shape != x.shape[1:2] or n.dtype.kind not in "iu" or n.min() < 1 or n.max() > len(x):
        raise ValueError(f"lengths must hold B = {x.shape[1]} whole numbers from 1 to {len(x)}")


def _states(x: Array) -> Array:
    return unroll(x, np.zeros((x.shape[1], 3)), _W, _U, _B)


def _inside(x: Array, lengths: Lengths) -> Array:
    return np.asarray(np.arange(len(x))[:, None, None] < np.asarray(lengths)[:, None])


def _masks_at_the_end(x: Array, lengths: Lengths) -> Pair:
    """Runs over the padding too, then takes each sequence's own steps and zeroes the rest."""
    _demand_batch(x, lengths)
    states = _states(x)
    return np.where(_inside(x, lengths), states, 0), last_output(states, np.asarray(lengths))


def _runs_each_alone(x: Array, lengths: Lengths) -> Pair:
    """Runs each sequence alone, for as many steps as it has, and pads with zeros."""
    _demand_batch(x, lengths)
    output = np.zeros((*x.shape[:2], 3))
    for b, n in enumerate(lengths):
        output[:n, b] = _states(x[:n, b : b + 1])[:, 0]
    return output, last_output(output, np.asarray(lengths))


def _state_goes_on(x: Array, lengths: Lengths) -> Pair:
    """Returns as last the state after all T steps, padding included; output is right."""
    output, _ = _masks_at_the_end(x, lengths)
    return output, _states(x)[-1]


def _last_row(x: Array, lengths: Lengths) -> Pair:
    """Returns output[-1] as last, which is zero for the shorter sequences; output is right."""
    output, _ = _masks_at_the_end(x, lengths)
    return output, output[-1]


def _padding_not_zeroed(x: Array, lengths: Lengths) -> Pair:
    """Leaves in output what the network makes of the padding; last is right."""
    _, last = _masks_at_the_end(x, lengths)
    return _states(x), last


def _state_held(x: Array, lengths: Lengths) -> Pair:
    """Repeats each sequence's last state in output after its end, where zero should stand."""
    output, last = _masks_at_the_end(x, lengths)
    return np.where(_inside(x, lengths), output, last), last


def _zeroed_one_step_late(x: Array, lengths: Lengths) -> Pair:
    """Leaves in output what the network makes of the first step of the padding; last is right."""
    output, last = _masks_at_the_end(x, lengths)
    late = _inside(x, np.asarray(lengths) + 1)
    return np.where(late, _states(x), output), last


def _zeroed_at_the_shortest(x: Array, lengths: Lengths) -> Pair:
    """Zeroes output after the end of the shortest sequence, for all of them; last is right."""
    output, last = _masks_at_the_end(x, lengths)
    return np.where(_inside(x, np.full(len(last), np.min(lengths))), output, 0), last


def _batch_comes_first(x: Array, lengths: Lengths) -> Pair:
    """Returns output with the batch first, of shape (B, T, 3)."""
    output, last = _masks_at_the_end(x, lengths)
    return output.swapaxes(0, 1), last


def _one_step_late(x: Array, lengths: Lengths) -> Pair:
    """Stops each sequence one step late, so that one step of padding is read."""
    _demand_batch(x, lengths)
    return _masks_at_the_end(x, np.minimum(np.asarray(lengths) + 1, len(x)))


def _stays_sorted(x: Array, lengths: Lengths) -> Pair:
    """Sorts the batch by length, longest first, and does not put it back in order."""
    _demand_batch(x, lengths)
    order = np.argsort(-np.asarray(lengths), kind="stable")
    return _masks_at_the_end(x[:, order], np.asarray(lengths)[order])


def _lengths_from_zeros(x: Array, lengths: Lengths) -> Pair:
    """Ignores lengths and takes the steps that hold only zeros at a sequence's end for padding."""
    _demand_batch(x, lengths)
    real = np.flip(np.any(x, axis=2), axis=0)
    found = np.where(real.any(axis=0), len(x) - real.argmax(axis=0), 1)
    return _masks_at_the_end(x, found)


def _padded_in_front(x: Array, lengths: Lengths) -> Pair:
    """Moves each sequence to the end of the batch, behind its padding, and runs over both."""
    _demand_batch(x, lengths)
    moved = np.stack([np.roll(x[:, b], -n, axis=0) for b, n in enumerate(lengths)], axis=1)
    states = _states(moved)
    back = np.stack([np.roll(states[:, b], n, axis=0) for b, n in enumerate(lengths)], axis=1)
    return np.where(_inside(x, lengths), back, 0), states[-1]


def _mask_by_the_mean(x: Array, lengths: Lengths) -> Pair:
    """Subtracts from each input its mean over the batch, padding included."""
    _demand_batch(x, lengths)
    return _masks_at_the_end(x - x.mean(axis=1, keepdims=True) * (x.shape[1] > 1), lengths)


_X = np.round(np.random.default_rng(4).normal(size=(4, 3, 2)), 2)
_ENDS = np.array([2, 4, 1])


def _compare(run: Run, other: Run, x: Array = _X, lengths: Lengths = _ENDS) -> None:
    for mine, theirs in zip(run(x, lengths), other(x, lengths), strict=True):
        assert np.allclose(mine, theirs)


def _shapes_only(run: Run) -> None:
    """Your test checks shapes, and padding that leaks changes values.

    Run each sequence alone, and compare what comes out with its part of the batch.
    """
    output, last = run(_X, _ENDS)
    assert output.shape == (4, 3, 3)
    assert last.shape == (3, 3)


def _equal_lengths(run: Run) -> None:
    """In your test all sequences have the same length, so there is no padding that could leak.

    Choose different lengths.
    """
    _compare(run, _masks_at_the_end, lengths=np.array([4, 4, 4]))


def _one_sequence(run: Run) -> None:
    """Your batch holds one sequence, so nothing can pass from one to another, or change places.

    Take several, of different lengths.
    """
    _compare(run, _masks_at_the_end, x=_X[:, :1], lengths=_ENDS[:1])


def _zeros_for_padding(run: Run) -> None:
    """Your padding holds zeros only. Code that takes zeros for padding passes.

    What the padding holds must have no effect, so let it hold something.
    """
    _compare(run, _masks_at_the_end, x=np.where(_inside(_X, _ENDS), _X, 0))


def _longest_first(run: Run) -> None:
    """Your sequences stand longest first. Code that sorts a batch and forgets to undo it passes.

    Let the lengths go up and down.
    """
    _compare(run, _masks_at_the_end, lengths=np.sort(_ENDS)[::-1])


def _looks_at_output_only(run: Run) -> None:
    """Your test looks at output only, and not all bugs show there.

    Compare last, too, with each sequence's own last state.
    """
    assert np.allclose(run(_X, _ENDS)[0], _masks_at_the_end(_X, _ENDS)[0])


def _looks_at_last_only(run: Run) -> None:
    """Your test looks at last only, and not all bugs show there.

    Compare output, too: the state after each step, zero after a sequence's end.
    """
    assert np.allclose(run(_X, _ENDS)[1], _masks_at_the_end(_X, _ENDS)[1])


def _ignores_what_follows_the_end(run: Run) -> None:
    """Your test does not look at output after a sequence's end. Zero should stand there.

    Whoever adds up outputs, or averages them, relies on it.
    """
    output, last = run(_X, _ENDS)
    right, end = _masks_at_the_end(_X, _ENDS)
    assert np.allclose(np.where(_inside(_X, _ENDS), output, 0), right)
    assert np.allclose(last, end)


def _wants_the_last_row(run: Run) -> None:
    """Your test wants last to be output[-1]. That is right for the longest sequence only.

    A shorter one ended before: its last state is output[lengths[b] - 1, b].
    """
    _compare(run, _last_row)


def _wants_the_state_held(run: Run) -> None:
    """Your test wants the last state repeated after a sequence's end, and rejects what is right.

    In output, zero stands there. Only last holds the state.
    """
    _compare(run, _state_held)


def _wants_the_padding_run(run: Run) -> None:
    """Your test wants what the network makes of the padding: it asks for the leak."""
    states = _states(_X)
    output, last = run(_X, _ENDS)
    assert np.allclose(output, states)
    assert np.allclose(last, states[-1])


def _lets_everything_through(run: Run) -> None:
    """Your test lets everything through: no implementation, however wrong, makes it raise.

    Compute what should come back and `assert` that it does.
    """
    run(_X, _ENDS)


# --- fading memory (the open exercise) -------------------------------------------------------


def fading(radius: float, *, hidden: int = 50, steps: int = 60, seed: int = 0) -> Array:
    """Return how far apart two runs of one network are, step by step after a single difference.

    The network is Elman's with Gaussian recurrent weights scaled to a spectral radius; both runs
    read the same noise, but for the first step, where one of them reads another number.
    """
    rng = np.random.default_rng(seed)
    U = rng.normal(size=(hidden, hidden))
    U *= radius / abs(np.linalg.eigvals(U)).max()
    W, x = rng.normal(size=(hidden, 1)), 0.1 * rng.normal(size=(steps, 2, 1))
    x[1:, 1] = x[1:, 0]
    states = unroll(x, np.zeros((2, hidden)), W, U, np.zeros(hidden))
    distance: Array = np.linalg.norm(states[:, 0] - states[:, 1], axis=1)
    return distance


_ANY_BATCH = "the test may choose its batch"
_EITHER_ORDER = "whichever of two close arrays comes first, they are close"
_ONE_ALONE = "a batch of one: its first sequence is its last"

EXERCISES: Sequence[Exercise] = (
    Exercise(
        "rnn.parameters",
        parameters,
        cases=[(10, 5, 3, 2), (1, 1, 1, 1), (7, 2, 4, 3), (100, 3, 8, 1)],
        mistakes=[
            _a_copy_for_each_step,
            _an_input_layer_for_each_step,
            _no_recurrent_weights,
            _one_recurrent_weight_a_unit,
            _no_biases_at_all,
            _no_readout,
            _no_readout_bias,
            _two_biases,
            _states_counted,
        ],
        alternatives=[_parameters_looped, _parameters_vectorised, _parameters_torch],
    ),
    Exercise(
        "rnn.memory",
        memory,
        cases=[(0.5, 3.0, 2), (0.5, 3.0, 0), (-0.9, 0.4, 1), (1.1, -2.0, 5), (0.3, 0.7, 3)],
        mistakes=[
            _counts_from_one,
            _one_factor_short,
            _input_weight_forgotten,
            _w_at_every_step,
            _roles_exchanged,
            _grows_along_a_line,
            _all_inputs_together,
            _all_inputs_alike,
        ],
        alternatives=[_memory_impulse, _memory_vectorised, _memory_torch],
    ),
    Exercise(
        "rnn.unroll",
        unroll,
        cases=[_network(2, 2, 2, 2), _network(5, 3, 4, 2), _network(1, 1, 2, 3)],
        mistakes=[
            _state_not_kept,
            _no_recurrence,
            _recurrent_weights_transposed,
            _input_weights_transposed,
            _time_and_batch_swapped,
            _first_state_included,
            _states_before_the_steps,
            _last_state_only,
            _one_buffer_for_all,
            _no_nonlinearity,
            _tanh_of_the_input_only,
            _no_bias,
            _starts_from_zero,
            _first_step_skipped,
            _runs_backwards,
        ],
        alternatives=[_unroll_filled, _unroll_projected, _unroll_torch],
        properties=[_first_step_is_a_perceptron],
    ),
    Exercise(
        "rnn.last_output",
        last_output,
        cases=[
            _padded_outputs([2, 1], 3, 2),
            _padded_outputs([1, 5, 3], 5, 2),
            _padded_outputs([4, 2, 3, 2, 4], 4, 3),
        ],
        mistakes=[
            _last_of_the_batch,
            _one_step_after_the_end,
            _one_step_before_the_end,
            _every_pair,
            _batch_first_read,
            _sum_over_time,
            _mean_over_time,
            _first_output,
            _last_step_of_the_shortest,
        ],
        alternatives=[_last_output_looped, _last_output_masked, _last_output_torch],
    ),
    Exercise(
        "rnn.masked_mean",
        masked_mean,
        cases=[
            (_draw(3, 3), np.array([3, 2, 2])),
            (_draw(5, 2), np.array([2, 5])),
            (_draw(4, 3), np.array([1, 3, 4])),
        ],
        mistakes=[
            _mean_of_everything,
            _zeroed_then_averaged,
            _mean_of_means,
            _sum_of_losses,
            _per_sequence,
            _one_step_of_padding,
            _last_step_lost,
            _padding_only,
            _cut_to_the_shortest,
            _mask_swapped,
        ],
        alternatives=[_masked_mean_looped, _masked_mean_weighted, _masked_mean_torch],
    ),
    bug_hunt(
        "rnn.catches_padding",
        catches_padding,
        right=[_masks_at_the_end, _runs_each_alone],
        buggy=[
            _state_goes_on,
            _last_row,
            _padding_not_zeroed,
            _state_held,
            _zeroed_one_step_late,
            _zeroed_at_the_shortest,
            _one_step_late,
            _batch_comes_first,
            _stays_sorted,
            _lengths_from_zeros,
            _padded_in_front,
            _mask_by_the_mean,
        ],
        mistakes=[
            _shapes_only,
            _equal_lengths,
            _one_sequence,
            _zeros_for_padding,
            _longest_first,
            _looks_at_output_only,
            _looks_at_last_only,
            _ignores_what_follows_the_end,
            _wants_the_last_row,
            _wants_the_state_held,
            _wants_the_padding_run,
            _lets_everything_through,
        ],
        alternatives=[_catches_padding_disturbed, _catches_padding_torch],
        equivalent={
            "lengths = np.array([2, 4, 1]) -> lengths = np.array([3, 4, 1])": _ANY_BATCH,
            "lengths = np.array([2, 4, 1]) -> lengths = np.array([1, 4, 1])": _ANY_BATCH,
            "lengths = np.array([2, 4, 1]) -> lengths = np.array([2, 3, 1])": _ANY_BATCH,
            "lengths = np.array([2, 4, 1]) -> lengths = np.array([2, 4, 2])": _ANY_BATCH,
            "x = np.random.default_rng(0).normal(size=(4, 3, 2))"
            " -> x = np.random.default_rng(1).normal(size=(4, 3, 2))": _ANY_BATCH,
            "x = np.random.default_rng(0).normal(size=(4, 3, 2))"
            " -> x = np.random.default_rng(0).normal(size=(5, 3, 2))": _ANY_BATCH,
            "assert np.allclose(output[:n, b], alone[:, 0])"
            " -> assert np.allclose(alone[:, 0], output[:n, b])": _EITHER_ORDER,
            "assert np.allclose(output[n:, b], 0)"
            " -> assert np.allclose(0, output[n:, b])": _EITHER_ORDER,
            "assert np.allclose(last[b], end[0])"
            " -> assert np.allclose(end[0], last[b])": _EITHER_ORDER,
            "assert np.allclose(output[:n, b], alone[:, 0])"
            " -> assert np.allclose(output[:n, b], alone[:, -1])": _ONE_ALONE,
            "assert np.allclose(last[b], end[0])"
            " -> assert np.allclose(last[b], end[-1])": _ONE_ALONE,
        },
    ),
)
