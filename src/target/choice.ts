/**
 * What a schedule is free to choose, as data: a target profile may hold choices that were measured, for a kernel and a
 * row length, and everything else follows the rules of schedule.ts. Any choice gives right results; it is about time only.
 */

export interface Choice {
  /** That share a row. A power of two. */
  readonly lanes: number;
  /** Lanes of a workgroup, at least `lanes`. A power of two. */
  readonly workgroup: number;
  /** Rows that a lane processes at once. */
  readonly rowsPerLane: number;
  /** Neighbouring elements that a lane handles at a time, or fewer where buffers do not allow it. */
  readonly width: 1 | 2 | 4;
  /** Elements of its rows that a lane may keep between two reads of them. */
  readonly keep: number;
}

/** Its parts, in the order in which they are searched. */
export const choiceParts = ["lanes", "workgroup", "rowsPerLane", "keep", "width"] as const;

/** A choice that was measured. */
export interface TunedSchedule {
  /** What the kernel computes, as a hash; left out, it is for every kernel with rows of this length. */
  readonly kernel?: string;
  /** The function that was measured: for people. */
  readonly fn?: string;
  /** Elements of a row; 1 where the function has no reduction. */
  readonly columns: number;
  readonly choice: Choice;
}

/** The values that each part of a choice can take for some kernel, within the limits of a target. */
export type ChoiceSpace = { readonly [Part in keyof Choice]: readonly Choice[Part][] };

/** The least power of two that is not less than a count. */
export const powerOfTwo = (count: number) => 2 ** Math.ceil(Math.log2(Math.max(1, count)));

const powers = (from: number, to: number) => {
  const list: number[] = [];
  for (let power = from; power <= to; power *= 2) list.push(power);
  return list;
};

/**
 * @param units of a row, if known: more lanes than units would be idle.
 * @param most invocations that a workgroup may have.
 */
export function choiceSpace(width: 1 | 2 | 4, units: number, most: number, isFlat: boolean): ChoiceSpace {
  return {
    lanes: isFlat ? [1] : powers(1, Math.min(most, powerOfTwo(units))),
    workgroup: powers(1, most),
    rowsPerLane: [1, 2, 4, 8],
    width: powers(1, width) as (1 | 2 | 4)[],
    keep: isFlat ? [0] : [0, 64, 1024],
  };
}

/** The nearest choice that the space has: a profile may be older than the program, or of another machine. */
export function fitted(choice: Choice, space: ChoiceSpace): Choice {
  const atMost = <T extends number>(list: readonly T[], wanted: number) =>
    list.findLast((value) => value <= wanted) ?? (list[0] as T);
  const lanes = atMost(space.lanes, choice.lanes);
  return {
    lanes,
    workgroup: Math.max(lanes, atMost(space.workgroup, choice.workgroup)),
    rowsPerLane: atMost(space.rowsPerLane, choice.rowsPerLane),
    width: atMost(space.width, choice.width),
    keep: choice.keep,
  };
}
