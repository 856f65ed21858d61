"""Random dots and convolutions with random layouts, and XLA's figures of each: where it splits work, and where it repeats it.

python tests/wire/products.py SEED CASES FOLDER writes FOLDER/NAME.mlir and FOLDER/figures.json.
"""
import json, math, pathlib, random, sys
from measure import figures_of

CHOICE = random.Random(int(sys.argv[1]))
MESHES = [dict(x=2, y=4), dict(x=4, y=2), dict(x=2, y=2, z=2), dict(x=8)]
SIZES = [16, 16, 32, 64, 128]

def layout(shape, mesh):
    """Axes per dim; none where a dim does not divide."""
    held = [[] for _ in shape]
    for axis in CHOICE.sample(list(mesh), len(mesh)):
        d = CHOICE.randrange(len(shape))
        if CHOICE.random() < 0.6 and shape[d] % math.prod(mesh[a] for a in [*held[d], axis]) == 0: held[d].append(axis)
    return held

def dot(size):
    m, n, k = size(), size(), size()
    batch = [16] if CHOICE.random() < 0.3 else []
    dims = ("batching_dims = [0] x [0], " if batch else "") + f"contracting_dims = [{len(batch) + 1}] x [{len(batch)}]"
    return [batch + [m, k], batch + [k, n], batch + [m, n]], f"stablehlo.dot_general %arg0, %arg1, {dims}, precision = [DEFAULT, DEFAULT]"

def convolution(size):
    """On one or two dims of space."""
    space = CHOICE.choice([[size()], [8, 8], [8, 16]])
    b, i, o, window = 8, CHOICE.choice([8, 16, 32]), CHOICE.choice([8, 16, 32]), CHOICE.choice([1, 3])
    names = [str(d) for d in range(len(space))]
    form = lambda first, last: "[" + ", ".join([first, *names, last]) + "]"
    text = (f"stablehlo.convolution(%arg0, %arg1) dim_numbers = {form('b', 'f')}x{form('i', 'o')}->{form('b', 'f')}, "
            f"window = {{pad = [{', '.join([f'[{window // 2}, {window // 2}]'] * len(space))}]}} {{batch_group_count = 1 : i64, feature_group_count = 1 : i64}}")
    return [[b, *space, i], [i, *[window] * len(space), o], [b, *space, o]], text

def program():
    mesh = CHOICE.choice(MESHES)
    shapes, op = CHOICE.choice([dot, dot, convolution])(lambda: CHOICE.choice(SIZES))
    types = ["tensor<" + "x".join(map(str, s)) + "xf32>" for s in shapes]
    said = [" {sdy.sharding = #sdy.sharding<@mesh, [" + ", ".join("{" + ", ".join(f'"{a}"' for a in axes) + "}" for axes in layout(s, mesh)) + "]>}" for s in shapes]
    if CHOICE.random() < 0.5: said[2] = ""
    return f"""module @product attributes {{mhlo.num_partitions = {math.prod(mesh.values())} : i32, mhlo.num_replicas = 1 : i32}} {{
  sdy.mesh @mesh = <[{", ".join(f'"{k}"={v}' for k, v in mesh.items())}]>
  func.func public @main(%arg0: {types[0]}{said[0]}, %arg1: {types[1]}{said[1]}) -> ({types[2]}{said[2]}) {{
    %0 = {op} : ({types[0]}, {types[1]}) -> {types[2]}
    return %0 : {types[2]}
  }}
}}
"""

folder = pathlib.Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
figures = {}
for i in range(int(sys.argv[2])):
    text = program()
    (folder / f"product{i}.mlir").write_text(text)
    try: figures[f"product{i}"] = figures_of(text)
    except Exception as e: print(i, type(e).__name__, str(e)[:200], file=sys.stderr)
(folder / "figures.json").write_text(json.dumps(figures))
