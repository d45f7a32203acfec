"""What a layer promises, for every cell of the table: one test a promise, none left out for a cell.

A cell that brings its own gradient is tested with it and, as ``NAME by autograd``, without.
"""

import copy
import inspect
import pickle
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.func import functional_call, grad, jvp, stack_module_state, vmap
from torch.nn.utils import parametrizations, parametrize, prune
from torch.utils.checkpoint import checkpoint

from unrolled.cells import CELLS
from unrolled.core.cell import brings_its_gradient
from unrolled.core.recurrent import Recurrent, from_torch, to_torch

F32, F64 = torch.float32, torch.float64
T, B, FEATURES, H = 4, 3, 2, 3
LENGTHS = [3, 4, 0]
INTEGERS = [
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    *(torch.int8, torch.int16, torch.int32, torch.int64),
]


def pytest_generate_tests(metafunc):
    """Try every promise on every row of the table; as ``make``, in both ways to its gradient."""
    cases = {name: Maker(name) for name in CELLS}
    if "row" in metafunc.fixturenames:
        metafunc.parametrize("row", cases.values(), ids=cases)
    if "make" in metafunc.fixturenames:
        taped = [name for name, make in cases.items() if make.by_hand]
        cases |= {f"{name} by autograd": Maker(name, autograd=True) for name in taped}
        metafunc.parametrize("make", cases.values(), ids=cases)


class Maker:
    """Makes layers of one cell; those of one seed are the same."""

    def __init__(self, name, **options):
        self.name, self.row, self.options = name, CELLS[name], options

    def __call__(self, dtype=F64, seed=0, **options):
        torch.manual_seed(seed)
        return Recurrent(self.row.make(FEATURES, H), **self.options, **options).to(dtype)

    @property
    def by_hand(self):
        return not self.options and brings_its_gradient(self.row.make(1, 1))


def inputs(layer, dtype=F64, steps=T, batch=B):
    """A batch and a first state."""
    torch.manual_seed(1)
    x = torch.randn(steps, batch, FEATURES, dtype=dtype)
    return x, tuple(torch.randn(batch, H, dtype=dtype) for _ in layer.cell.states)


def flat(found):
    output, last = found
    return [output, *last]


def loss(found):
    """Look at everything that a layer returns, at no two numbers alike."""
    parts = flat(found)
    weights = [torch.linspace(1, 2, y[..., 0].numel() * H).to(y.device, y.dtype) for y in parts]
    return sum((y * w.view_as(y)).sum() for y, w in zip(parts, weights, strict=True))


def gradients(layer, x, state=None, lengths=None):
    """What a layer returns, and the gradient by all that goes in."""
    x = x.detach().requires_grad_()
    state = state and tuple(part.detach().requires_grad_() for part in state)
    found = layer(x, state, lengths)
    wanted = [x, *(state or ()), *layer.parameters()]
    grads = torch.autograd.grad(loss(found), wanted, materialize_grads=True)
    return [y.detach() for y in flat(found)] + list(grads)


def close(ours, theirs, tolerance=1e-12):
    torch.testing.assert_close(list(ours), list(theirs), rtol=tolerance, atol=tolerance)


def same(ours, theirs):
    torch.testing.assert_close(list(ours), list(theirs), rtol=0, atol=0, equal_nan=True)


def near(ours, theirs, tolerance):
    """Each tensor differs by so much of its largest number at most."""
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() <= tolerance * b.abs().max()


def weights_of(layer):
    """Parameters, each as the cell uses it."""
    return {name: getattr(layer.cell, name) for name in layer.cell.axes}


def traced(layer, *given, **options):
    """The output, as a trace has it."""
    return layer.trace(*given, **options)[layer.cell.states[0]]


def matrix_of(cell):
    """The name of a matrix that the state is multiplied with."""
    return next(name for name, axes in cell.axes.items() if len(axes) == 2 and axes[1] == ("h",))


def plain(make, layer):
    """A layer without hooks that has the weights of one with them."""
    other = make()
    other.cell.load_state_dict({n: w.detach().clone() for n, w in weights_of(layer).items()})
    return other


def test_every_promise_is_tested_on_every_cell():
    promises = {n: f for n, f in vars(sys.modules[__name__]).items() if n.startswith("test_")}
    del promises["test_every_promise_is_tested_on_every_cell"]
    assert all({"make", "row"} & set(inspect.signature(f).parameters) for f in promises.values())
    marks = {mark.name for f in promises.values() for mark in getattr(f, "pytestmark", [])}
    assert marks <= {"parametrize", "filterwarnings"}  # no skip


# Types of numbers


def test_autocast_takes_its_type_as_torch_does(make):
    layer, reference = make(F32), nn.LSTM(FEATURES, H)
    x, state = inputs(layer, F32)
    exact = gradients(layer, x, state, LENGTHS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        kinds = {y.dtype for y in (reference(x)[0], *reference(x)[1])}
        for given in ((x,), (x, state), (x, state, LENGTHS), (x.bfloat16(),)):
            assert {y.dtype for y in flat(layer(*given))} == kinds
        inside = gradients(layer, x, state, LENGTHS)
        found = layer(x, state, LENGTHS)
        by_trace = traced(layer, x, state, LENGTHS)
    same([by_trace], [found[0]])
    layer.zero_grad()
    loss(found).backward()  # outside, as torch advises
    outside = [p.grad for p in layer.parameters()]
    assert all(g.dtype == F32 for g in outside)
    near([y.float() for y in inside], exact, 0.1)
    near(outside, exact[-len(outside) :], 0.1)


def test_a_cell_called_alone_takes_the_type_of_autocast(row):
    cell, x = row(F32).cell, torch.ones(B, FEATURES)
    state = tuple(torch.ones(B, H) for _ in cell.states)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        after = cell(x, state)
    assert {part.dtype for part in after} == {torch.bfloat16}
    near([part.float() for part in after], cell(x, state), 0.1)


def test_autocast_leaves_float64(make):
    layer = make()
    x, state = inputs(layer)
    expected = gradients(layer, x, state, LENGTHS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        same(gradients(layer, x, state, LENGTHS), expected)
        assert nn.LSTM(FEATURES, H).double()(x)[0].dtype == F64


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, F32])
def test_other_types_are_kept_and_near_float64(make, dtype):
    x, state = inputs(make())
    exact = gradients(make(), x, state, LENGTHS)
    low = gradients(make(dtype), x.to(dtype), tuple(s.to(dtype) for s in state), LENGTHS)
    assert {y.dtype for y in low} == {dtype}
    near([y.double() for y in low], exact, 1e-5 if dtype == F32 else 0.15)


def test_complex_step(make):
    """Im f(θ + iεv) / ε is the derivative along v; of a cut gradient, that of the whole one."""
    layer = make()
    if layer.cell.truncated:
        layer.cell.truncated = False
    x, state = inputs(layer)
    point = [x, *state, *(p.detach() for p in layer.parameters())]
    slopes = gradients(layer, x, state, LENGTHS)[-len(point) :]
    names = [name for name, _ in layer.named_parameters()]
    x, *moved = [part + 1e-100j * part.sin() for part in point]
    state, weights = tuple(moved[: len(state)]), dict(zip(names, moved[len(state) :], strict=True))
    found = functional_call(layer, weights, (x, state, LENGTHS))
    along = sum((g * part.sin()).sum() for g, part in zip(slopes, point, strict=True))
    close([loss(found).imag / 1e-100], [along], 1e-10)


# Hooks, and weights made from others


def test_hooks_on_cell_and_layer_run_and_change_what_passes(make):
    layer = make()
    x, state = inputs(layer)
    plain, doubled = flat(layer(x, state)), flat(layer(2 * x, state))

    def twice(module, given):
        return (2 * given[0], *given[1:])

    def negated(module, given, found):
        return -found[0], found[1]

    for module in (layer, layer.cell):
        with module.register_forward_pre_hook(twice):
            same(flat(layer(x, state)), doubled)
            same([traced(layer, x, state)], doubled[:1] if module is layer.cell else plain[:1])
        with module.register_forward_hook(negated):
            same(flat(layer(x, state)), [-plain[0], *plain[1:]])
        same(flat(layer(x, state)), plain)


def test_backward_hooks_run_once(make):
    layer, seen = make(), []
    x, state = inputs(layer)
    expected = gradients(layer, x, state)
    for module in (layer, layer.cell):
        module.register_full_backward_pre_hook(lambda module, grad: seen.append(type(module)))
        module.register_full_backward_hook(lambda module, *grads: seen.append(type(module)))
    same(gradients(layer, x, state), expected)
    kinds = [Recurrent, type(layer.cell), type(layer.cell), Recurrent]
    assert seen == kinds
    seen.clear()
    U = layer.cell.get_parameter(matrix_of(layer.cell))
    U.register_hook(seen.append)
    loss(layer(x.requires_grad_(), state)).backward()
    same([g for g in seen if isinstance(g, torch.Tensor)], [U.grad])


def test_pruned_weights_are_up_to_date(make):
    trained, loaded = make(), make(seed=1)
    for layer in (trained, loaded):
        for name in layer.cell.axes:
            prune.random_unstructured(layer.cell, name, amount=0.5)
    x, state = inputs(trained)
    loaded.load_state_dict(trained.state_dict())
    for _ in range(2):
        same(flat(trained(x, state)), flat(loaded(x, state)))
        step(trained, x)
        loaded.load_state_dict(trained.state_dict())
    same(flat(trained(x, state)), flat(plain(make, trained)(x, state)))
    same(to_torch(loaded).values(), to_torch(plain(make, trained)).values())
    prune.remove(trained.cell, matrix_of(trained.cell))
    same(flat(trained(x, state)), flat(loaded(x, state)))


def step(layer, x):
    """Train for one update; return the gradient."""
    layer.zero_grad()
    loss(layer(x)).backward()
    torch.optim.SGD(layer.parameters(), 0.01).step()
    return [p.grad.clone() for p in layer.parameters()]


NORMS = {
    "weight norm": parametrizations.weight_norm,
    "spectral norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "weight norm by hook": nn.utils.weight_norm,
    "spectral norm by hook": nn.utils.spectral_norm,
}


@pytest.mark.filterwarnings("ignore:.torch.nn.utils.weight_norm.:FutureWarning")
@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_normed_weights_are_up_to_date_and_learn(make, norm):
    trained, loaded = make(), make(seed=1)
    for layer in (trained, loaded):
        norm(layer.cell, matrix_of(layer.cell))
    x, state = inputs(trained)
    assert all(g.isfinite().all() and g.any() for g in step(trained, x))
    loaded.load_state_dict(trained.state_dict())
    trained.eval()
    loaded.eval()  # spectral norm: no more power iterations
    found = flat(loaded(x, state, LENGTHS))
    same(flat(trained(x, state, LENGTHS)), found)
    same([traced(loaded, x, state, LENGTHS)], found[:1])
    same(flat(plain(make, loaded)(x, state, LENGTHS)), found)


def test_foreign_weights_are_refused_where_weights_are_made_from_others(make):
    layer = make()
    names = to_torch(layer)
    from_torch(make(seed=1), names)
    prune.identity(layer.cell, made := matrix_of(layer.cell))
    with pytest.raises(ValueError, match=rf"{made}_l0.*remove the pruning or the parametriz"):
        from_torch(layer, names)


def test_weights_tied_between_layers_learn_once(make):
    one, other = make(), make(seed=1)
    expected = gradients(one, inputs(one)[0])[-len(one.cell.axes) :]
    other.cell = one.cell
    x, _ = inputs(one)
    (loss(one(x)) + loss(other(x))).backward()
    close([p.grad for p in one.parameters()], [2 * g for g in expected])


# Functions of weights and inputs


def test_functional_call(make):
    layer, other = make(), make(seed=1)
    x, state = inputs(layer)
    given = {name: p.detach().requires_grad_() for name, p in other.named_parameters()}
    found = functional_call(layer, given, (x, state, LENGTHS))
    expected = gradients(other, x, state, LENGTHS)
    same(flat(found), expected[: len(flat(found))])
    same(torch.autograd.grad(loss(found), given.values()), expected[-len(given) :])


def test_vmap_is_a_loop_over_inputs_and_over_networks(make):
    layers = [make(seed=seed) for seed in range(3)]
    x, _ = inputs(layers[0])
    many, _ = stack_module_state(layers)
    networks = vmap(lambda w: flat(functional_call(layers[0], w, (x, None, LENGTHS))))
    close(networks(many), stacked([flat(layer(x, None, LENGTHS)) for layer in layers]))
    batch = vmap(lambda x: flat(layers[0](x[:, None])), 1)
    close(batch(x), stacked([flat(layers[0](x[:, b, None])) for b in range(B)]))


def stacked(each):
    return [torch.stack(parts) for parts in zip(*each, strict=True)]


def test_gradients_of_each_sample_sum_to_the_batchs(make):
    layer = make()
    x, _ = inputs(layer)
    weights = dict(layer.named_parameters())

    def of(weights, x):
        return functional_call(layer, weights, (x[:, None],))[0].pow(2).sum()

    samples = vmap(grad(of), (None, 1))(weights, x)
    for b in range(B):
        expected = torch.autograd.grad(layer(x[:, b, None])[0].pow(2).sum(), weights.values())
        close([g[b] for g in samples.values()], expected, 1e-10)


def test_vmap_over_lengths_says_what_to_do(make):
    layer = make()
    x, _ = inputs(layer)
    with pytest.raises(ValueError, match=r"lengths must be a list .* vmap"):
        vmap(lambda x, n: layer(x[:, None], None, n[None])[0], (1, 0))(x, torch.tensor(LENGTHS))


@pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")  # torch's own
def test_forward_mode_is_the_transpose_of_backward_mode(make):
    layer = make()
    x, state = inputs(layer)
    slopes = gradients(layer, x, state, LENGTHS)[1 + len(state) :][: 1 + len(state)]
    v = [part.sin() for part in (x, *state)]
    backward = sum((a * b).sum() for a, b in zip(slopes, v, strict=True))

    def of(x, *state):
        return loss(layer(x, state, LENGTHS))

    close([jvp(of, (x, *state), tuple(v))[1]], [backward], 1e-10)
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(a, b) for a, b in zip((x, *state), v, strict=True)]
        close([forward_ad.unpack_dual(of(*duals)).tangent], [backward], 1e-10)


@pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")
def test_jacobian_is_the_same_vectorised(make):
    layer = make()
    x, state = inputs(layer, steps=2, batch=2)

    def of(x, *state):
        return tuple(flat(layer(x, state, [2, 1])))

    jacobian = torch.autograd.functional.jacobian
    expected = jacobian(of, (x, *state))
    for strategy in ("reverse-mode", "forward-mode"):
        found = jacobian(of, (x, *state), vectorize=True, strategy=strategy)
        for ours, theirs in zip(found, expected, strict=True):
            close(ours, theirs)
    weights, y = list(layer.parameters()), layer(x, state)[0].flatten()
    eye = torch.eye(len(y), dtype=F64)
    batched = torch.autograd.grad(y, weights, eye, is_grads_batched=True, retain_graph=True)
    each = [torch.autograd.grad(part, weights, retain_graph=True) for part in y]
    close(batched, stacked(each))


def test_what_comes_out_may_be_changed_in_place(make):
    layer = make()
    x, state = inputs(layer)
    for changed in range(1 + len(state)):
        found = flat(layer(x, state, LENGTHS))
        found[changed].mul_(2)
        sum(y.sum() for y in found).backward()
    layer.zero_grad()


@pytest.mark.filterwarnings("ignore:`torch.jit.trace:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # of shapes, which are compared
def test_jit_trace(make):
    layer = make()
    x, state = inputs(layer)
    close(flat(torch.jit.trace(layer, (x, state))(2 * x, state)), flat(layer(2 * x, state)))


def test_parameters_are_drawn_anew(row):
    drawn, again = row().cell, row(seed=1).cell
    assert not torch.equal(
        drawn.get_parameter(matrix_of(drawn)), again.get_parameter(matrix_of(again))
    )
    torch.manual_seed(0)
    again.float().reset_parameters()
    same(again.double().parameters(), drawn.parameters())


def test_double_backward_works_or_says_how(make):
    layer = make()
    x, _ = inputs(layer)
    name = matrix_of(layer.cell)
    U = layer.cell.get_parameter(name)

    def of(U):
        return loss(functional_call(layer, {f"cell.{name}": U}, (x,)))

    again = grad(lambda U: grad(of)(U).sin().sum())(
        U.detach()
    )  # torch.func needs no other layer for it
    assert again.any()
    value = loss(layer(x))
    if make.by_hand:
        with pytest.raises(RuntimeError, match=r"cannot be differentiated again: .*autograd=True"):
            torch.autograd.grad(value, U, create_graph=True)
    else:
        (slope,) = torch.autograd.grad(value, U, create_graph=True)
        (found,) = torch.autograd.grad(slope.sin().sum(), U)
        close([found], [again], 1e-9)


# Training


def test_frozen_weights_change_no_other_gradient(make):
    layer = make()
    x, state = inputs(layer)
    everything = gradients(layer, x, state, LENGTHS)
    of_weights = everything[-len(layer.cell.axes) :]
    expected = dict(zip(layer.cell.axes, of_weights, strict=True))
    for frozen in expected:
        layer.zero_grad()
        layer.requires_grad_(True)
        layer.cell.get_parameter(frozen).requires_grad_(False)
        loss(layer(x, state, LENGTHS)).backward()
        assert layer.cell.get_parameter(frozen).grad is None
        learned = {n: p.grad for n, p in layer.cell.named_parameters() if n != frozen}
        close(learned.values(), [expected[name] for name in learned])
    layer.requires_grad_(False)
    assert not any(y.requires_grad for y in flat(layer(x, state)))
    for leaf, slope in zip((x, *state), everything[1 + len(state) :], strict=False):
        leaf.requires_grad_()
        found = loss(layer(x, state, LENGTHS))
        close(torch.autograd.grad(found, leaf, materialize_grads=True), [slope])
        leaf.requires_grad_(False)


def test_two_calls_before_one_backward(make):
    layer = make()
    x, state = inputs(layer)
    expected = [
        torch.autograd.grad(loss(layer(*given)), [*layer.parameters()])
        for given in ((x, state), (2 * x, None, LENGTHS))
    ]
    (loss(layer(x, state)) + loss(layer(2 * x, None, LENGTHS))).backward()
    close([p.grad for p in layer.parameters()], [a + b for a, b in zip(*expected, strict=True)])


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointed_it_is_the_same(make, reentrant, lengths):
    layer = make()
    x, state = inputs(layer)
    expected = gradients(layer, x, state, lengths)

    leaves = [part.requires_grad_() for part in (x, *state)]

    def unnested(x, *state):  # what this function returns in a tuple, the reentrant kind overlooks
        return tuple(flat(layer(x, state, lengths)))

    output, *last = checkpoint(unnested, *leaves, use_reentrant=reentrant)
    loss((output, last)).backward()
    learned = (*leaves, *layer.parameters())
    found = [torch.zeros_like(p) if p.grad is None else p.grad for p in learned]
    same([output, *last, *found], expected)


def test_saved_tensors_may_be_packed_away(make):
    layer = make()
    x, state = inputs(layer)
    expected = gradients(layer, x, state, LENGTHS)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(force=True), torch.from_numpy):
        same(gradients(layer, x, state, LENGTHS), expected)


# Copies and files


def test_copies_and_pickles_are_the_same_and_apart(make):
    layer = make()
    x, state = inputs(layer)
    expected = gradients(layer, x, state, LENGTHS)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        same(gradients(twin, x, state, LENGTHS), expected)
        assert twin.extra_repr() == layer.extra_repr()
        with torch.no_grad():
            for p in twin.parameters():
                p.zero_()
    same(gradients(layer, x, state, LENGTHS), expected)
    norm = parametrizations.weight_norm(layer.cell, name := matrix_of(layer.cell))
    same(flat(copy.deepcopy(layer)(x)), flat(layer(x)))
    parametrize.remove_parametrizations(norm, name)
    close(flat(layer(x, state, LENGTHS)), expected[: 1 + len(state)])


@pytest.mark.parametrize("assign", [True, False])
def test_state_dict_there_and_back(make, assign):
    layer, other = make(), make(seed=1)
    assert sorted(layer.state_dict()) == sorted(f"cell.{name}" for name in layer.cell.axes)
    other.load_state_dict(layer.state_dict(), assign=assign)
    x, state = inputs(layer)
    same(gradients(other, x, state, LENGTHS), gradients(layer, x, state, LENGTHS))


# Shapes and lengths


def test_strides_do_not_matter(make):
    layer = make()
    x, state = inputs(layer)
    expected = gradients(layer, x, state, LENGTHS)
    wide = torch.stack([x, x], -1)[..., 0]
    turned = tuple(part.T.contiguous().T for part in state)
    assert not wide.is_contiguous()
    close(gradients(layer, wide, turned, LENGTHS), expected)
    one = x[:, :1].expand(-1, B, -1), tuple(part[:1].expand(B, -1) for part in state)
    whole = tuple(part.clone(memory_format=torch.contiguous_format) for part in one[1])
    close(gradients(layer, *one), gradients(layer, one[0].contiguous(), whole))
    with torch.no_grad():
        for p in layer.parameters():
            p.set_(torch.stack([p, p], -1)[..., 0])
    close(gradients(layer, x, state, LENGTHS), expected)


def test_batch_first_is_a_transpose(make):
    layer, other = make(), make(batch_first=True)
    x, state = inputs(layer)
    found = flat(other(x.transpose(0, 1), state, LENGTHS))
    same([found[0].transpose(0, 1), *found[1:]], flat(layer(x, state, LENGTHS)))
    same([traced(other, x.transpose(0, 1), state, LENGTHS)], found[:1])


def test_one_step_is_the_cell_called(make):
    layer = make()
    x, state = inputs(layer, steps=1)
    found = layer.cell(x[0], state)
    close(flat(layer(x, state)), [found[0][None], *found])


def test_a_batch_of_no_sequence(make):
    layer = make()
    x, state = inputs(layer, batch=0)
    for given in ((x,), (x, state), (x, state, []), (x, state, torch.zeros(0, dtype=torch.long))):
        found = gradients(layer, *given)
        assert found[0].shape == (T, 0, H)
        assert all(y.shape == (0, H) for y in found[1 : 1 + len(state)])
        assert not any(g.any() for g in found)
    assert traced(layer, x).shape == (T, 0, H)


def test_lengths_of_any_integer_type(make):
    layer = make()
    x, state = inputs(layer)
    expected = gradients(layer, x, state, LENGTHS)
    kinds = [tuple(LENGTHS), np.array(LENGTHS), np.array(LENGTHS, np.uint8), [*np.array(LENGTHS)]]
    kinds += [[*torch.tensor(LENGTHS)], *(torch.tensor(LENGTHS, dtype=kind) for kind in INTEGERS)]
    for lengths in kinds:
        same(gradients(layer, x, state, lengths), expected)


@pytest.mark.parametrize("lengths", [[3, 4, 0], [0, 0, 0], [4, 4, 4], [1, 1, 1]])
def test_each_sequence_is_as_it_would_be_alone(make, lengths):
    layer = make()
    x, state = inputs(layer)
    found = flat(layer(x, state, lengths))
    for b, n in enumerate(lengths):
        before = tuple(part[b, None] for part in state)
        alone = flat(layer(x[:n, b, None], before)) if n else [found[0][:0, :1], *before]
        close([found[0][:n, b, None], *(y[b, None] for y in found[1:])], alone)
        assert not found[0][n:, b].any()


@pytest.mark.parametrize("rubbish", [torch.nan, torch.inf, 1e300])
def test_nothing_that_no_step_reads_reaches_a_gradient(make, rubbish):
    layer = make()
    x, state = inputs(layer)
    dirty = x.clone()
    for b, n in enumerate(LENGTHS):
        dirty[n:, b] = rubbish
    spoilt = tuple(part.index_fill(0, torch.tensor([2]), rubbish) for part in state)
    clean = gradients(layer, x, state, LENGTHS)
    found = gradients(layer, dirty, spoilt, LENGTHS)
    for k, part in enumerate(spoilt):
        same([found[1 + k][2]], [part[2]])  # handed on as it came
        found[1 + k] = torch.cat([found[1 + k][:2], clean[1 + k][2:]])
    same(found, clean)


def test_the_trace_is_what_happened(make):
    layer = make()
    x, state = inputs(layer)
    for lengths in (None, LENGTHS):
        output, *last = flat(layer(x, state, lengths))
        seen = layer.trace(x, state, lengths)
        same([seen[layer.cell.states[0]]], [output])
        assert all(each.shape == (T, B, H) for each in seen.values())
        for b, n in enumerate(lengths or [T] * B):
            for k, name in enumerate(layer.cell.states):
                same([seen[name][n - 1, b] if n else state[k][b]], [last[k][b]])
    weights = [*layer.parameters()]
    close(
        torch.autograd.grad(traced(layer, x, state).sin().sum(), weights),
        torch.autograd.grad(layer(x, state)[0].sin().sum(), weights),
    )


# Compilers and devices


def test_compiled_it_is_the_same(row):
    layer = row()
    x, state = inputs(layer, steps=1)
    torch.compiler.reset()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    compiled.parameters = layer.parameters
    for given in ((x, state), (x, state, [1, 0, 1])):
        close(gradients(compiled, *given), gradients(layer, *given))


def test_compiled_in_parts_it_takes_lengths_as_a_tensor(row):
    layer = row()
    x, _ = inputs(layer, steps=1)
    lengths = torch.tensor([1, 0, 1])
    torch.compiler.reset()
    compiled = torch.compile(layer, backend="eager")
    close(flat(compiled(x, None, lengths)), flat(layer(x, None, lengths)))


def test_what_does_not_fit_is_named(make):
    layer = make()
    x, state = inputs(layer)
    wrong = [
        (ValueError, "x must be on cpu like the weights, got meta", x.to("meta"), None, None),
        (TypeError, "x must be dense, got a tensor of layout", x.to_sparse(), None, None),
        (
            ValueError,
            "state must be on cpu like x, got meta",
            x,
            [s.to("meta") for s in state],
            None,
        ),
        (
            ValueError,
            "state must be torch.float64 like x, got",
            x,
            [s.float() for s in state],
            None,
        ),
        (ValueError, r"state must hold . of shape \(3, 3\), got", x, [s[:1] for s in state], None),
        (TypeError, "lengths must be in order, as in a list, got a set", x, None, {1, 2, 3}),
    ]
    for error, words, inner, first, lengths in wrong:
        with pytest.raises(error, match=words):
            layer(inner, first and tuple(first), lengths)
    for error, words, given in (
        (ValueError, r"state must hold . of shape \(1, 3\)", (x[0, :1], state)),
        (ValueError, "x must be torch.float64 like the weights", (x[0].float(), state)),
        (ValueError, "state must be torch.float64 like x", (x[0], [s.float() for s in state])),
        (TypeError, "state must be a tuple of . tensors, got NoneType", (x[0], None)),
        (ValueError, r"x must have shape \(B, 2\)", (x, state)),
    ):
        with pytest.raises(error, match=words):
            layer.cell(given[0], given[1] and tuple(given[1]))


def test_shapes_without_numbers(make):
    x, state = inputs(make(), F32, steps=2)
    x, *state = (part.to("meta") for part in (x, *state))
    moved = make(F32).to("meta")
    with torch.device("meta"):
        layers = make(F32), moved
    for layer, lengths in zip(layers, (None, [2, 1, 0]), strict=True):
        found = gradients(layer, x, tuple(state), lengths)
        assert found[0].shape == (2, B, H)
        assert {y.device.type for y in found} == {"meta"}
    assert traced(layer, x, lengths=torch.tensor([2, 1, 0])).shape == (2, B, H)
    with pytest.raises(ValueError, match=r"lengths must be a list .* meta"):
        layer(x, lengths=torch.empty(B, dtype=torch.long, device="meta"))
