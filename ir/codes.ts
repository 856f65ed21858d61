/** What every diagnostic code means: one sentence and what to do, for `shardc explain SH0211` and docs/diagnostics.md. */
export interface CodeText {
  readonly meaning: string;
  readonly todo: string;
}

const code = (meaning: string, todo: string): CodeText => ({ meaning, todo });

export const CODES: Readonly<Record<string, CodeText>> = {
  SH0001: code('The file does not exist.', 'Check the path.'),
  SH0002: code('The path is not a file.', 'Name a program: .tir or StableHLO text.'),
  SH0003: code(
    'The file is larger than 512 MiB.',
    'Print StableHLO without large constants, or pass them as arguments.',
  ),
  SH0004: code('The file is empty.', 'Name a program.'),
  SH0005: code('The output could not be written.', 'Check the folder and its permissions.'),
  SH0006: code(
    'The program holds more tokens than can be read in memory.',
    'Keep equal layers in a loop, or in a function that is called for each.',
  ),
  SH0007: code(
    'The file is in a format that shardc does not read: bytecode, HLO, a jaxpr, Python.',
    'Write StableHLO as text; the message says how.',
  ),
  SH0101: code(
    'A character or token is not of the language.',
    'Look at the place shown; an unterminated text is the usual cause.',
  ),
  SH0102: code('The text stops making sense here.', 'Compare with what was expected; docs/tir.md has the grammar.'),
  SH0103: code('The file holds no function.', 'A program has at least @main.'),
  SH0104: code('Brackets or regions nest too deeply.', 'Flatten the program, or move regions into functions.'),
  SH0105: code(
    'The type or size is not valid.',
    'Element types: f32, bf16, i32, pred …; sizes are whole numbers below 2^53 in all.',
  ),
  SH0106: code('A number, list or shape is not valid here.', 'Compare with what was expected.'),
  SH0107: code('A type is missing and cannot be inferred.', 'Write it after the op: `: f32[8, 128]`.'),
  SH0201: code(
    'The value is not defined before its use in this function or an enclosing region.',
    'Define it above, or correct the name.',
  ),
  SH0202: code('There is no such op.', 'docs/tir.md lists them; a similar name is suggested.'),
  SH0203: code('A value is defined twice.', 'Give the second one a new name.'),
  SH0204: code(
    'Types do not fit the op: what it gives or takes is not what is written.',
    'Correct the operand shapes, or leave the result type out.',
  ),
  SH0205: code('The op has no such attribute, or misses one it needs.', 'The attributes it takes are listed.'),
  SH0206: code('The op takes another number of operands.', 'Compare with what was expected.'),
  SH0207: code(
    'The op is sugar that stands for several ops, which only programs at the parsed level hold.',
    'Leave the level out of the module line, or write the ops themselves.',
  ),
  SH0210: code('The mesh has no axis of this name.', 'Use an axis of the mesh, or add it to the mesh.'),
  SH0211: code(
    'A mesh axis is used twice in one layout: a tensor cannot be split twice over the same devices.',
    'Use the axis once, on one dim.',
  ),
  SH0212: code(
    'The layout has another number of dims than the tensor.',
    'Write one entry per dim; _ for a dim that is not sharded.',
  ),
  SH0213: code(
    'The mesh sizes do not fit.',
    '--mesh gives other sizes to the axes of the file, by position (32x64) or by name (x=2,y=4).',
  ),
  SH0214: code('There is no mesh of this name.', 'Declare it: mesh @mesh {x=2, y=4}.'),
  SH0219: code(
    'A sharding rule written on an op does not read as one.',
    'Write it as Shardy prints it: <([i, k], [k, j])->([i, j]) {i=8, j=16, k=32} reduction={k}>.',
  ),
  SH0218: code(
    'Members of a sharding group have different shapes.',
    'A group shares one layout: put values of one shape in it.',
  ),
  SH0215: code(
    'This is not a sub-axis.',
    '"x":(m)k takes k devices of axis x after skipping m major ones; m·k divides the size of x.',
  ),
  SH0216: code('The program has no mesh.', 'Declare one in the file, or give --mesh x=2,y=4.'),
  SH0217: code('A name is taken twice: a mesh, an axis or a function.', 'Rename one of them.'),
  SH0220: code('There is no function of this name.', 'Correct the name, or add the function.'),
  SH0221: code('A function calls itself, directly or through others.', 'Write the recursion as a while loop.'),
  SH0222: code('A block does not end with return, or goes on after it.', 'End it with one return.'),
  SH0223: code(
    'A GSPMD sharding (mhlo.sharding) does not read as one.',
    'Write it as XLA prints it: {devices=[2,1,2]<=[2,2]T(1,0) last_tile_dim_replicate}.',
  ),
  SH0224: code(
    'GSPMD shardings of one module are over different numbers of devices.',
    'Every tile list multiplies out to the number of devices; last_tile_dim_replicate adds a dim of copies.',
  ),
  SH0225: code(
    'A part that was written per device (@SPMDFullToShardShape … @SPMDShardToFullShape) is not whole.',
    'What enters is sharded by a @Sharding call and enters by @SPMDFullToShardShape; what leaves says how it is put together.',
  ),
  SH0226: code(
    'A computation has another number of shardings, parameters or results than values.',
    'Write one sharding per operand and per result, and a body that takes and gives as many.',
  ),
  SH0228: code(
    'A sum is owed (unreduced axes) where the op cannot owe or pay it.',
    'Give all results of the op the same unreduced axes, and its operands the same axes along what is reduced.',
  ),
  SH0229: code(
    'The sharding is not one: axes out of the order of the mesh, a priority where nothing is sharded, dims on one device.',
    'Write it as Shardy prints it: <@mesh, [{"x"}, {"y", ?}p1], replicated={"z"}>.',
  ),
  SH0230: code(
    'The groups, pairs or reducer of a collective are not valid.',
    'Groups name every device once; a permute has each device as source once and as target once at most.',
  ),
  SH0231: code(
    'An axis is used that no manual computation around has in its hands.',
    'Name it in manual_axes, or leave what goes over it to the compiler.',
  ),
  SH0232: code(
    'A manual computation splits a dim that does not divide by its manual axes.',
    'Pad the dim to a multiple before, or choose other axes.',
  ),
  SH0233: code(
    'A manual computation gives different numbers on devices that its out layout says hold the same.',
    'Reduce or gather the result over those axes, or name them in the layout (out_specs).',
  ),
  SH0234: code(
    'A deadlock: some of the devices that a collective joins never get to it.',
    'Make the predicate around it the same on all devices that it joins, or move it out of the branch.',
  ),
  SH0235: code(
    'Devices that a collective joins may take different ways around it, so that some would wait for ever.',
    'Make the predicate the same on all of them: reduce or gather what it is computed from, over the same axes.',
  ),
  SH0236: code(
    'A data-flow edge does not stand alone on a value that carries a layout across a loop, branch, barrier or call.',
    'Leave the edges to -sdy-add-data-flow-edges, or put one on each result or parameter and let all users read it.',
  ),
  SH0237: code(
    'A loop goes on after as many trips as it states.',
    'Leave trip_count out: where the trips can be counted they are, and else they are unknown.',
  ),
  SH0290: code(
    'A collective in flight is not ended by exactly one collective_done.',
    'Pair each start with one collective_done in the same block; only that may read its result.',
  ),
  SH0401: code(
    'A call of something outside does not say how it may be split, so it gets operands whole that are sharded.',
    'Give the call a sharding rule (jax.experimental.custom_partitioning), or shard other dims.',
  ),
  SH0404: code(
    'Members of a sharding group are annotated with different layouts.',
    'Annotate one of them, or the same on all; until then each keeps its own.',
  ),
  SH0405: code(
    'A value is asked for on one device only (maximal sharding); every device holds it instead.',
    'Annotate it as replicated, or shard it.',
  ),
  SH0410: code(
    'No value of the program is sharded: every device computes the whole of it.',
    'Annotate arguments (in_shardings of jax.jit, xs.mark_sharding in PyTorch/XLA, @{x, _} in .tir); all else follows.',
  ),
  SH0411: code(
    'What a loop, or what is behind an optimization barrier, reads in another layout could be moved once and held; the device has not the memory, so it is moved where it is read, or other values are.',
    'More memory (--machine), more shards, or less beside it (smaller batches, recomputation) lets it be held. `shardc` shows what is alive at the peak.',
  ),
  SH0402: code(
    'A dim of an argument or result does not divide by its axes, so it enters or leaves whole over the last of them; or a dim has too few elements to be worth sharding.',
    'Inside the program the dim is padded and sharded as asked. A size that divides saves the way in and out.',
  ),
  SH0406: code(
    'A constraint leaves a sum owed (unreduced), but its operand comes from ops that owe none.',
    'Every device holds the value itself. Leave the unreduced axes out, or put the constraint behind the dot or reduce that owes the sum.',
  ),
  SH0601: code(
    'A tensor op was called outside of a function that is being traced.',
    'Call the function through compile(fn, { mesh, args }) or trace(fn, { args }).',
  ),
  SH0602: code(
    'A tensor of one trace is used in another: it was kept outside of its function.',
    'Pass it as an argument; numbers can be captured freely.',
  ),
  SH0603: code(
    'A tensor of a loop body or branch is used after that body ended.',
    'Return it from the body: what a loop or branch returns is what is left of it.',
  ),
  SH0606: code('A part of the program is written for another mesh than the whole.', 'One mesh for a program.'),
  SH0607: code('A tree of tensors has not the structure that is needed.', 'Compare the paths that are listed.'),
  SH0609: code(
    'Something that is no tensor stands where one is needed.',
    'Make a constant of numbers: constant([1, 2]).',
  ),
  SH0612: code('An array given to a run does not fit the argument.', 'Give as many elements as the argument has.'),
  SH0613: code('The element type does not fit the op.', 'Convert it: convert(x, "f32").'),
  SH0604: code('The function whose gradient is asked for does not give one scalar.', 'Reduce its result: mean(loss).'),
  SH0605: code('There is an effect inside a function that is differentiated.', 'Move it out of the function.'),
  SH0608: code(
    'A gradient would have to flow through an op that has none.',
    'Stop it with stopGradient, or state the gradient with customVjp.',
  ),
  SH0611: code(
    'Arguments of vmap do not have one extent along the mapped dims.',
    'Compare the extents that are listed.',
  ),
  SH0610: code(
    'The TypeScript file does not export a program by default.',
    'export default trace(fn, { mesh: mesh({ data: 2 }), args: [f32([8, 16])] }).',
  ),
  SH0614: code('The TypeScript file cannot be run.', 'The message is that of Node; correct the file.'),
  SH0615: code(
    'An op from outside has no form that XLA knows.',
    'Give its definition an expand(b, op), or leave StableHLO: everything else works.',
  ),
  SH0616: code(
    'A tensor is used as if it were a number.',
    'Operators and Math know numbers only: use the functions of tensors, add(x, y), sqrt(x), greater(x, 0).',
  ),
  SH0617: code(
    'A function of the DSL was given a value of another type than it takes.',
    'The file is run without a look at its types: npx tsc --noEmit on it says what does not fit.',
  ),
  SH0701: code('There is no pass of this name.', 'The names are listed.'),
  SH0702: code('The program was not propagated.', 'Run the pipeline further: leave --stop-after out.'),
  SH0703: code('There is no value of this name.', 'Use the name as it stands in the file.'),
  SH0704: code(
    '--emit does not know this kind, or misses its file.',
    'Kinds: tir, stablehlo, sdy, report, trace, memory, ops, chakra.',
  ),
  SH0705: code('This output needs the whole pipeline.', 'Leave --stop-after out.'),
  SH0706: code('There is no such device in the mesh.', 'Devices count from 0, row-major over the mesh axes.'),
  SH0708: code('The pass takes a program at another level.', 'Run the passes before it first.'),
  SH0709: code(
    'The program is too big to run on numbers here.',
    'Check it at shrunk extents (--check shrunk), on a smaller mesh (--mesh), or take a smaller copy of it.',
  ),
  SH0710: code(
    '--limit is not a figure and a bound.',
    'wire=1GB, memory=15GiB, step=20ms, flops=3TFLOP, all_gather=0; in shardc diff also wire=+1GB and step=+5%.',
  ),
  SH0711: code(
    'A limit on what is added has nothing to add to.',
    'Use shardc diff BEFORE AFTER, or a limit without +.',
  ),
  SH0712: code(
    'The program costs more than --limit allows.',
    'shardc explain FILE says what moves most and why; else raise the limit.',
  ),
  SH0713: code('The file is neither a program nor a report.', 'shardc FILE --emit report=REPORT.json writes one.'),
  SH0714: code(
    'A per-device program and the one that it is compared with take or give different numbers of values.',
    'Name the program that it was made from.',
  ),
  SH0715: code('There is no diagnostic of this code.', 'The codes that begin alike are listed.'),
  SH0719: code(
    'minimize was given a command that does not fail.',
    'Give one that exits with another code than 0 on the program.',
  ),
  SH0801: code('There is no machine preset of this name.', 'The names are listed; a JSON file describes any other.'),
  SH0802: code('The machine file misses or misstates a field.', 'Every mistake is listed.'),
  SH0803: code('The machine file is not JSON.', 'Correct the syntax at the place named.'),
  SH0804: code(
    'The mesh cannot be laid on the machine as asked.',
    'Extents multiply to the devices of a pod, and an axis fills the dims it is given.',
  ),
  SH0805: code(
    'A field of the plan misses, is misstated, or does not fit the others.',
    'Every mistake is listed at its place; docs/plan-cost.md states the fields.',
  ),
  SH0806: code('The plan is not JSON.', 'Correct the syntax.'),
  SH0900: code(
    'shardc does not support this yet; your program may well be right.',
    'The message names what is missing.',
  ),
  SH0999: code('A bug in shardc.', 'Report it with the program; SHARDC_DEBUG=1 shows where.'),
};
