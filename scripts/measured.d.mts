export interface Limits {
  readonly megabytes: number;
  readonly seconds: number;
}
export function measured(args: readonly (string | number)[], limits: Limits): Record<string, unknown>;
export class Report {
  constructor(print?: (line: string) => void);
  readonly missed: number;
  figure(what: string, value: number | string, unit: string, most: number): void;
}
