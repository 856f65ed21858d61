/** All rows: published figures, each with its prediction. */
import { collectiveRows } from './collective-rows.ts';
import { gspmdRows } from './gspmd-rows.ts';
import { planRows } from './plan-rows.ts';
import { productRows } from './product-rows.ts';
import type { Row } from './row.ts';

export const rows = (): Row[] => [...collectiveRows(), ...productRows(), ...gspmdRows(), ...planRows()];
