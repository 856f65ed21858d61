/** Data-flow edges stand alone on what owns them: a result or parameter of an op that carries layouts across. */
import { userError } from '../../../ir/diagnostics.ts';
import { EditFunc, EditOp, type EditValue } from '../../../ir/edit.ts';
import { ownsEdges, parameterOwners } from '../data-flow.ts';

export function verifyEdge(edge: EditOp): void {
  const owner = edge.operands[0] as EditValue;
  if (owner.useCount > 1) throw wrong(edge, 'reads a value that others read too', 'the only user of its value');
  if (edge.kind === 'func_data_flow_edge' ? !isCallEnd(owner) : !isOwner(owner))
    throw wrong(
      edge,
      'stands on a value that carries no layout across',
      edge.kind === 'func_data_flow_edge'
        ? 'an argument of a function or a result of a call'
        : 'a result of while, case, optimization_barrier or a computation, or a parameter of a computation or loop',
    );
}

const isCallEnd = ({ owner }: EditValue): boolean =>
  owner instanceof EditOp ? owner.kind === 'call' : owner.owner instanceof EditFunc;

/** A loop's parameter is led to by the loop's edge; one of its own says nothing, and stays until it is sunk. */
function isOwner(value: EditValue): boolean {
  const { owner } = value;
  if (owner instanceof EditOp) return ownsEdges(owner) || !isSdy(owner);
  const op = owner.owner;
  return op instanceof EditFunc || ownsEdges(op) || parameterOwners(op).includes(value);
}

const SDY: ReadonlySet<string> = new Set(['sharding_constraint', 'reshard', 'data_flow_edge', 'propagation_barrier']);
const isSdy = (op: EditOp): boolean => SDY.has(op.kind) || op.kind.startsWith('sdy.');

const wrong = (edge: EditOp, what: string, expected: string): Error =>
  userError('SH0236', `a ${edge.kind} ${what}`, {
    span: edge.origin.span,
    expected,
  });
