/**
 * The free parameters of a schedule. A target profile may contain measured choices for a kernel and a row length; the
 * rules of schedule.ts determine all others. Every choice gives correct results; they only differ in time.
 */

export interface Choice {
  /** Lanes that share a row. A power of two. */
  readonly lanes: number;
  /** Lanes of a workgroup, at least `lanes`. A power of two. */
  readonly workgroup: number;
  /** Rows that a lane processes at the same time. */
  readonly rowsPerLane: number;
  /** Neighbouring elements that a lane handles at a time, or fewer where buffers do not allow it. */
  readonly width: 1 | 2 | 4;
  /** Elements of its rows that a lane may cache in registers between two reads of them. */
  readonly keep: number;
}

/** The parts of a choice, in the order in which they are searched. */
export const choiceParts = ["lanes", "workgroup", "rowsPerLane", "keep", "width"] as const;

/** A measured choice. */
export interface TunedSchedule {
  /** A hash of what the kernel computes; if missing, the choice applies to every kernel with this row length. */
  readonly kernel?: string;
  /** The name of the function that was measured, for human readers. */
  readonly fn?: string;
  /** Elements of a row; 1 if the function has no reduction. */
  readonly columns: number;
  readonly choice: Choice;
}

/** The values that each part of a choice can take for a kernel, within the limits of a target. */
export type ChoiceSpace = { readonly [Part in keyof Choice]: readonly Choice[Part][] };

/** The least power of two that is not less than a count. */
export const powerOfTwo = (count: number) => 2 ** Math.ceil(Math.log2(Math.max(1, count)));

const powers = (from: number, to: number) => {
  const list: number[] = [];
  for (let power = from; power <= to; power *= 2) list.push(power);
  return list;
};

/**
 * @param units the number of units of a row, or `most` if it is not known: with more lanes, some would be idle.
 * @param most the maximum number of invocations of a workgroup.
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

/** The nearest choice in the space: a profile may be older than the program, or be from another machine. */
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
