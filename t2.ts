import { trace, multiply, add, f32 } from '/work/wt/dsl/compiler/dsl/index.ts';
import { callerOrigin } from '/work/wt/dsl/compiler/dsl/location.ts';
let t0 = process.cpuUsage().user/1000;
for (let i = 0; i < 100000; i++) callerOrigin();
console.log('origin', process.cpuUsage().user/1000 - t0);
t0 = process.cpuUsage().user/1000;
const q = trace((x: any) => { let y = x; for (let i = 0; i < 50000; i++) y = multiply(add(y, x), x); return y; }, { args: [f32([8, 8])] });
console.log(q.module.functions[0].body.ops.length, process.cpuUsage().user/1000 - t0);
