"""The families of tests/wire on random meshes, with random layouts of their arguments, and XLA's figures of each.

python tests/wire/layouts.py SEED CASES FOLDER writes FOLDER/NAME.mlir and FOLDER/figures.json. An argument's dims get axes only where
they divide; what a family says of layouts inside (constraints, shard_map) stays, on the axes that it names.
"""
import json, math, pathlib, random, sys
import lowering

CHOICE = random.Random(int(sys.argv[1]))
SIZES = {1: [(2,), (4,), (6,), (8,)], 2: [(2, 2), (2, 3), (3, 2), (2, 4), (4, 2)], 3: [(2, 2, 2)]}

class Shuffled(lowering.On):
    """A mesh with other sizes; arguments have other layouts than asked."""
    def __init__(self, **sizes):
        super().__init__(**dict(zip(sizes, CHOICE.choice(SIZES[len(sizes)]))))
    def arg(self, shape, *_, dtype=lowering.F):
        held = [[] for _ in shape]
        for axis in CHOICE.sample(list(self.mesh.shape), len(self.mesh.shape)):
            shards = lambda d: math.prod(self.mesh.shape[a] for a in [*held[d], axis])
            dims = [d for d, size in enumerate(shape) if size % shards(d) == 0]
            if dims and CHOICE.random() < 0.65: held[CHOICE.choice(dims)].append(axis)
        return super().arg(shape, *[tuple(axes) or None for axes in held], dtype=dtype)

lowering.On, plain = Shuffled, lowering.On
import programs
for module in list(sys.modules.values()):
    if getattr(module, "On", None) is plain: module.On = Shuffled
from measure import figures_of, simulated

cases, folder = int(sys.argv[2]), pathlib.Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
names = CHOICE.sample(list(lowering.PROGRAMS), min(cases, len(lowering.PROGRAMS)))
figures = {}
for name in names:
    try: text = lowering.lower(name)
    except Exception: continue  # what the family needs of its mesh does not hold: experts that divide, say
    (folder / f"{name}.mlir").write_text(text)
    try: figures[name] = figures_of(text)
    except Exception as e: print(name, type(e).__name__, str(e)[:200], file=sys.stderr)
(folder / "figures.json").write_text(json.dumps(figures))
