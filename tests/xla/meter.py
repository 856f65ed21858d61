"""What one device of a partitioned HLO module moves and multiplies, from XLA's optimised text.

Wire bytes per device, ring algorithms, n bytes, group g: all-gather n_out(g-1)/g, reduce-scatter n_in(g-1)/g,
all-reduce 2n(g-1)/g, all-to-all n(g-1)/g, collective-permute n; loops times their known trip counts, branches added up.
Flops: two per multiply-add of dots and convolutions.
"""
import collections, math, re
BYTES = dict(pred=1, s4=.5, u4=.5, s8=1, u8=1, s16=2, u16=2, f16=2, bf16=2, s32=4, u32=4, f32=4, s64=8, u64=8, f64=8, c64=8, c128=16)
SHAPE = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")
KINDS = ("all_gather", "all_reduce", "reduce_scatter", "all_to_all", "collective_permute")

def dims(text): return [int(d) for d in text.split(",") if d]

def group(line, devices):
    if m := re.search(r"replica_groups=\[\d+,(\d+)\]<=", line): return int(m[1])
    if m := re.search(r"replica_groups=\{\{([\d,]+)\}", line): return len(m[1].split(","))
    if m := re.search(r"replica_groups=mesh\[(.*?)\](?:, device_ids=\(.*?\))? \{(.*?)\}", line):
        size = {k: int(v) for k, v in re.findall(r"'([^']+)'=(\d+)", m[1])}
        return math.prod(int(sub) if sub else size[name] for name, sub in re.findall(r"'([^']+)'(?::\(\d+\)(\d+))?", m[2]))
    return devices

def permutes(line):
    """Does anything leave a device?"""
    pairs = re.search(r"source_target_pairs=\{(.*?)\}\}", line)
    return pairs is None or any(a != b for a, b in re.findall(r"\{(\d+),(\d+)", pairs[1]))

def multiplied(op, result, line, shapes):
    n = 2 * math.prod(dims(SHAPE.search(result)[2]))
    args = re.findall(r"%([\w.\-]+)", line.split(op + "(", 1)[1].split(")", 1)[0])
    if op == "dot":
        m = re.search(r"lhs_contracting_dims=\{([\d,]*)\}", line)
        return n * math.prod(shapes[args[0]][d] for d in dims(m[1])) if m else n
    labels = re.search(r"dim_labels=\w+_(\w+)->", line)[1]
    return n * math.prod(size for label, size in zip(labels, shapes[args[1]]) if label != "o")

def meter(text, devices):
    bodies, entry, name = {}, None, None
    for line in text.splitlines():
        if m := re.match(r"(ENTRY )?%?([\w.\-]+) \(.*\) -> .*\{$", line):
            name = m[2]; bodies[name] = []
            if m[1]: entry = name
        elif name: bodies[name].append(line)
    shapes = {b: {n: dims(d) for n, _, d in re.findall(r"%?([\w.\-]+) = (\w+)\[([\d,]*)\]", "\n".join(lines))} for b, lines in bodies.items()}
    count, wire, flops = collections.Counter(), collections.Counter(), 0
    def walk(body, times):
        nonlocal flops
        for line in bodies.get(body, []):
            m = re.match(r"\s*(?:ROOT )?%?[\w.\-]+ = (.*?) ([a-z][\w\-]*)\(", line)
            if not m: continue
            result, op = m[1], m[2]
            if op == "while":
                trips = re.search(r"known_trip_count[^\d]*(\d+)", line)
                walk(re.search(r"body=%?([\w.\-]+)", line)[1], times * int(trips[1]) if trips else times)
            elif op in ("call", "fusion", "conditional"):
                for refs in re.findall(r"(?:calls|to_apply|true_computation|false_computation|branch_computations)=(\{[^}]*\}|%?[\w.\-]+)", line):
                    for ref in re.findall(r"[\w.\-]+", refs): walk(ref, times)
            elif op in ("dot", "convolution"): flops += times * multiplied(op, result, line, shapes[body])
            kind = op.removesuffix("-start").replace("-", "_")
            if kind not in KINDS: continue
            g = group(line, devices)
            if kind == "collective_permute" and not permutes(line) or g == 1 and kind != "collective_permute": continue
            n = sum(math.prod([BYTES[t], *dims(d)]) for t, d in SHAPE.findall(result) if t in BYTES)
            factor = {"all_gather": (g - 1) / g, "all_reduce": 2 * (g - 1) / g, "reduce_scatter": g - 1, "all_to_all": (g - 1) / g, "collective_permute": 1}[kind]
            count[kind] += times; wire[kind] += n * factor * times
    walk(entry, 1)
    return dict(count=dict(count), bytes={k: round(v) for k, v in wire.items()}, total=round(sum(wire.values())), flops=flops)
