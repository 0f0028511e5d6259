/** What a pass says in a run on a module, beside its output. */

import { assumed } from "../diagnostics/areas/rewrites.ts";
import { type Diagnostic, saidBy } from "../diagnostics/diagnostic.ts";
import type { Law } from "../ir/field/laws.ts";
import type { Module } from "../ir/ir.ts";
import type { Assumed, PassContext } from "../pass/define-pass.ts";
import { ConstTable } from "./const-table.ts";

/** Collects what a pass says through its context. */
export class Report {
  readonly remarks: Diagnostic[] = [];
  readonly statistics: Record<string, number> = {};
  readonly assumptions: Assumed[] = [];
  readonly laws: Law[] = [];
  /** The constants of the module, including those that the pass has added. */
  readonly consts: Module["consts"];
  readonly context: PassContext<unknown>;

  constructor(pass: string, module: Module, options: unknown) {
    const table = new ConstTable(module);
    this.consts = table.all;
    const remark = (diagnostic: Diagnostic) => void this.remarks.push(saidBy(pass, diagnostic));
    this.context = {
      options,
      functions: module.fns.map(({ name }) => name),
      consts: table.all,
      computed: (data, hint) => table.computed(data, hint),
      remark,
      assume: (assumption) => {
        this.assumptions.push(assumption);
        remark(assumed("value" in assumption ? assumption.value.span : undefined, pass, assumption.because));
      },
      law: (law) => void this.laws.push(law),
      count: (statistic, amount = 1) => addTo(this.statistics, statistic, amount),
    };
  }
}

/** Adds to one of several counts. */
export function addTo(counts: Record<string, number>, name: string, amount: number): void {
  counts[name] = (counts[name] ?? 0) + amount;
}
