"""How tests/wire lowers its programs with JAX.

A name is family.layout.direction; a family is written once, for one device, and takes a mesh and layouts.
`fwd` is the program, `grad` its gradient for every float argument.
"""
import os, pathlib, sys
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax, jax.numpy as jnp, numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

HERE = pathlib.Path(__file__).parent / "fixtures"
F, B16, I, I8 = jnp.float32, jnp.bfloat16, jnp.int32, jnp.int8
PROGRAMS = {}
INSIDE = {}

class On:
    """A mesh, and what to lay out on it."""
    def __init__(self, **sizes):
        n = int(np.prod(list(sizes.values())))
        self.mesh = Mesh(np.array(jax.devices()[:n]).reshape(*sizes.values()), tuple(sizes))
    def spec(self, *dims): return NamedSharding(self.mesh, P(*dims))
    def arg(self, shape, *dims, dtype=F):
        """JAX takes no argument whose dim does not divide: it comes whole there, and is laid out inside."""
        shards = lambda d: int(np.prod([self.mesh.shape[a] for a in ((d,) if isinstance(d, str) else d or ())]))
        even = [d if n % shards(d) == 0 else None for n, d in zip(shape, dims)]
        made = jax.ShapeDtypeStruct(shape, dtype, sharding=self.spec(*even))
        if even != list(dims): INSIDE[id(made)] = (made, self.spec(*dims))
        return made
    def pin(self, x, *dims): return lax.with_sharding_constraint(x, self.spec(*dims))

def program(family, layout, make, directions=("fwd", "grad")):
    """`make()` gives the function and its arguments."""
    for d in directions: PROGRAMS[f"{family}.{layout}.{d}"] = (make, d)

def gradient(f):
    """Value and gradients of the sum of the float results, for every float argument."""
    def g(*args):
        leaves, tree = jax.tree.flatten(args)
        floats = [i for i, a in enumerate(leaves) if jnp.issubdtype(a.dtype, jnp.floating)]
        def scalar(*xs):
            full = list(leaves)
            for i, x in zip(floats, xs): full[i] = x
            out = [o for o in jax.tree.leaves(f(*jax.tree.unflatten(tree, full))) if jnp.issubdtype(o.dtype, jnp.floating)]
            return sum(jnp.sum(jnp.tanh(o.astype(F))) for o in out)
        return jax.grad(scalar, argnums=tuple(range(len(floats))))(*[leaves[i] for i in floats])
    return g

def lower(name):
    make, direction = PROGRAMS[name]
    f, args = make()
    inside = [INSIDE.get(id(a), (a, None))[1] for a in jax.tree.leaves(args)]
    def laid_out(*args):
        leaves, tree = jax.tree.flatten(args)
        return f(*jax.tree.unflatten(tree, [a if s is None else lax.with_sharding_constraint(a, s) for a, s in zip(leaves, inside)]))
    return jax.jit(gradient(laid_out) if direction == "grad" else laid_out).lower(*args).as_text()

def softmax(x): return jax.nn.softmax(x, axis=-1)
