"""Do programs compile on XLA, and run alike? argv: pairs ORIGINAL EMITTED ('-' where there is none); a JSON line per pair:
{original, emitted: 'ok' or what XLA says, error: worst relative error where both ran and `--numbers` came before the pair}."""
import json, sys
import simulated

simulated.start(8)
np, md = simulated.np, simulated.md
simulated.NUMPY.update(f8E4M3FN=md.float8_e4m3fn, i4=md.int4)

def compiled(path):
    """As text: the parser that XLA itself has knows more dialects than JAX's."""
    text = open(path).read()
    try: return simulated.build(text), "ok"
    except Exception as e: message = str(e)
    if "unregistered dialect" in message:
        try: simulated.build_text(text)
        except Exception as e: message = str(e)
    return None, message[:2000]

def difference(x, y):
    if x.shape != y.shape or x.dtype != y.dtype: return float("inf")
    wide = np.complex128 if np.iscomplexobj(x) else np.float64
    x, y = x.astype(wide), y.astype(wide)
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    if not np.isfinite(x[~same]).all(): return float("inf")
    scale = np.abs(x) + np.sqrt(np.mean(np.abs(x[np.isfinite(x)]) ** 2)) + 1e-30
    return float((np.abs(x - y) / scale)[~same].max(initial=0.0))

args, numbers = sys.argv[1:], False
while args:
    if args[0] == "--numbers": numbers = True; args.pop(0); continue
    original, emitted = args.pop(0), args.pop(0)
    a, says = compiled(original)
    line = dict(original=says)
    if emitted != "-":
        b, line["emitted"] = compiled(emitted)
        if numbers and a and b:
            inputs = list(simulated.values(a[1]))
            line["error"] = max((difference(x, y) for x, y in zip(simulated.run(a[0], inputs), simulated.run(b[0], inputs), strict=True)), default=0.0)
    numbers = False
    print(json.dumps(line), flush=True)
