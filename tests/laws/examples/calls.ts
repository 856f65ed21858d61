/** custom_call: only hints can be run here. */
import { example, type OpExample } from '../op-example.ts';

const call = (type: string, target: string, verbatim = ''): OpExample =>
  example('custom_call', `${type} -> ${type}`, { attrs: { target, verbatim, result_types: [type] } });

export const callExamples: readonly OpExample[] = [
  call('f32[4,6]', 'annotate_device_placement', 'has_side_effect = true'),
  call('i32[6]', 'LayoutConstraint'),
];
