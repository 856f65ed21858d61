"""Shardy itself, through jaxlib: what every value's sharding is after propagation, and every op's sharding rule.

Reads a JSON list of {"name", "text"} from standard input and writes one of {"name", "values", "final", "rules"} or
{"name", "error"}; for {"name", "text", "flags"} what sdy_opt's flags make of the module, as {"name", "functions"}. Each program runs in a forked child, as a failed check inside Shardy ends the process.

values: in program order, [what, types, shardings]; `what` is the op's name, or `call arguments` / `call results` at the
two ends of an inlined call. Taken right after propagation with data-flow edges sunk, so before anything is closed.
final: the shardings of @main's arguments and results at the end of Shardy's pipeline.
"""
import json
import os
import re
import sys

from jaxlib.mlir import ir, passmanager
from jaxlib.mlir._mlir_libs import _jax_mlir_ext
from jaxlib.mlir.dialects import chlo, sdy, stablehlo

REGIONS = {"stablehlo.while", "stablehlo.case", "sdy.named_computation", "sdy.manual_computation"}


def make_context():
    registry = ir.DialectRegistry()
    _jax_mlir_ext.register_dialects(registry)
    context = ir.Context()
    context.append_dialect_registry(registry)
    for dialect in (sdy, stablehlo, chlo):
        dialect.register_dialect(context)
    context.load_all_available_dialects()
    context.enable_multithreading(False)
    context.allow_unregistered_dialects = True
    return context


def whole_pipeline():
    text = str(passmanager.PassManager.parse("builtin.module(sdy-propagation-pipeline)"))
    return text.replace("sdy-save-module,", "")


def until_propagated():
    head, rest = whole_pipeline().split("sdy-user-priority-propagate", 1)
    return head + "sdy-user-priority-propagate" + rest[: rest.index("}") + 1] + ",func.func(sdy-sink-data-flow-edges))"


def expand_chlo(text):
    """What XLA expands before Shardy runs: squares and top_k."""
    text = re.sub(r"chlo\.square (%[\w#]+) : (tensor<[^>]*>) -> tensor<[^>]*>", r"stablehlo.multiply \1, \1 : \2", text)
    return re.sub(
        r"chlo\.top_k\((%[\w#]+), k = (\d+)\) : (tensor<[^>]*>) -> (\([^)]*\))",
        r'"stablehlo.custom_call"(\1) {call_target_name = "mhlo.topk", mhlo.attributes = {k = \2 : i64, largest = true}} : (\3) -> \4',
        text)


def axis(ref):
    if ref.sub_axis_info is None:
        return ref.name
    sub = sdy.SubAxisInfoAttr(ref.sub_axis_info)
    return f"{ref.name}:({sub.pre_size}){sub.size}"


def layout(attribute):
    """`{x+y:(1)2?, _; replicated=z}`, as shardc writes layouts; null where there is none."""
    if attribute is None:
        return None
    sharding = sdy.TensorShardingAttr(attribute)
    dims = []
    for dim in map(sdy.DimensionShardingAttr, sharding.dimension_shardings):
        axes = "+".join(axis(sdy.AxisRefAttr(a)) for a in dim.axes)
        priority = "" if dim.priority in (None, 0) else f" p{dim.priority}"
        dims.append(((axes or "_") if dim.is_closed else axes + "?") + priority)
    extra = [f"{name}={'+'.join(axis(sdy.AxisRefAttr(a)) for a in axes)}"
             for name, axes in (("replicated", sharding.replicated_axes), ("unreduced", sharding.unreduced_axes)) if len(axes)]
    return "{" + "; ".join([", ".join(dims), *extra]) + "}"


def per_value(attributes, name, count):
    if name not in attributes:
        return [None] * count
    return [layout(s) for s in sdy.TensorShardingPerValueAttr(attributes[name]).shardings]


def shardings_of(op):
    for key in ("sharding", "out_sharding"):
        if op.name.startswith("sdy.") and key in op.attributes:
            return [layout(op.attributes[key])]
    name = "out_shardings" if op.name == "sdy.manual_computation" else "sdy.sharding"
    return per_value(op.attributes, name, len(op.results))


def walk(block, out):
    for view in block.operations:
        op = view.operation
        types = [str(r.type) for r in op.results]
        if op.name == "sdy.named_computation":
            body = op.regions[0].blocks[0]
            out.append(["call arguments", [str(a.type) for a in body.arguments], per_value(op.attributes, "in_shardings", len(body.arguments))])
            walk(body, out)
            out.append(["call results", types, per_value(op.attributes, "out_shardings", len(types))])
            continue
        if types:
            out.append([op.name, types, shardings_of(op)])
        if op.name in REGIONS:
            for region in op.regions:
                walk(region.blocks[0], out)


def functions(module):
    found = [v.operation for v in module.body.operations if v.operation.name == "func.func"]
    return {ir.StringAttr(f.attributes["sym_name"]).value: f for f in found}


def main_of(module):
    found = functions(module)
    return found.get("main") or next(iter(found.values()))


def boundary(func):
    signature = ir.FunctionType(ir.TypeAttr(func.attributes["function_type"]).value)
    def side(key, types):
        dicts = func.attributes[key] if key in func.attributes else [{}] * len(types)
        return [layout(d["sdy.sharding"]) if "sdy.sharding" in d else None for d in dicts]
    return [side("arg_attrs", signature.inputs), side("res_attrs", signature.results)]


def rules(module):
    out = []
    def visit(op):
        if op.name != "func.func" and len(op.results):
            rule = str(op.attributes["sdy.sharding_rule"]) if "sdy.sharding_rule" in op.attributes else None
            out.append([op.name, rule])
        return ir.WalkResult.ADVANCE
    for func in functions(module).values():
        func.walk(visit, ir.WalkOrder.PRE_ORDER)
    return out


def run(text):
    def after(pipeline):
        module = ir.Module.parse(expand_chlo(text))
        passmanager.PassManager.parse(pipeline).run(module.operation)
        return module
    propagated = after(until_propagated())
    func = main_of(propagated)
    values = []
    walk(func.regions[0].blocks[0], values)
    return {
        "boundary": boundary(func), "values": values, "final": boundary(main_of(after(whole_pipeline()))),
        "rules": rules(after("builtin.module(func.func(sdy-populate-op-sharding-rules))")),
    }


def to_pipeline(flags):
    """sdy_opt's flags as a pass pipeline; passes on functions are found by trying."""
    items = []
    for flag in flags:
        name, _, options = flag.lstrip("-").partition("=")
        item = name + (f"{{{options}}}" if options else "")
        try:
            passmanager.PassManager.parse(f"builtin.module({item})")
        except Exception:
            item = f"func.func({item})"
        items.append(item)
    return f"builtin.module({','.join(items)})"


def described(module):
    """Per function: layouts of arguments and results, and [name, types, layouts] of every op with results."""
    found = {}
    for name, func in functions(module).items():
        ops = []

        def visit(op):
            if op.name != "func.func" and len(op.results):
                ops.append([op.name, [str(r.type) for r in op.results], shardings_of(op)])
            return ir.WalkResult.ADVANCE

        func.walk(visit, ir.WalkOrder.PRE_ORDER)
        arguments, results = boundary(func)
        found[name] = {"arguments": arguments, "results": results, "ops": ops}
    return found


def run_pipeline(text, flags):
    module = ir.Module.parse(expand_chlo(text))
    passmanager.PassManager.parse(whole_pipeline() if flags is None else to_pipeline(flags)).run(module.operation)
    return {"functions": described(module), "text": str(module)}


def after_pipeline(text, flags=None):
    """What Shardy makes of a module: by sdy_opt's flags, or its whole propagation pipeline."""
    with make_context(), ir.Location.unknown():
        return isolated(lambda: run_pipeline(text, flags))


def isolated(work):
    result = in_child(work)
    return in_child(work) if result == GONE else result  # a crowded machine may end a child, too


GONE = {"error": "the process ended (a failed check)"}


def in_child(work):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            result = work()
        except Exception as error:  # whatever it is, the test wants to know
            result = {"error": str(error)}
        with os.fdopen(writer, "w") as out:
            json.dump(result, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as source:
        data = source.read()
    os.waitpid(child, 0)
    return json.loads(data) if data else GONE



def answer(program):
    try:
        found = run_pipeline(program["text"], program["flags"]) if "flags" in program else run(program["text"])
    except Exception as error:  # whatever it is, the test wants to know
        found = {"error": str(error)}
    return {"name": program["name"], **found}


def answers(programs):
    """Many in one child, as starting one takes longer than most programs; alone where one of them ends it."""
    together = isolated(lambda: {"list": [answer(p) for p in programs]})
    if "list" in together:
        return together["list"]
    return [{"name": p["name"], **isolated(lambda: answer(p))} for p in programs]


BATCH = 25


def all_answers(programs):
    return [a for i in range(0, len(programs), BATCH) for a in answers(programs[i : i + BATCH])]


if __name__ == "__main__":
    with make_context(), ir.Location.unknown():
        json.dump(all_answers(json.load(sys.stdin)), sys.stdout)
