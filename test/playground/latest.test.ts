import { expect, test } from "vitest";
import { Latest } from "../../playground/workers/latest.ts";

test("of the tasks that come while one is under way only the last is done", () => {
  const sent: number[] = [];
  const received: string[] = [];
  const latest = new Latest<number, string>(
    (task) => sent.push(task),
    (answer) => received.push(answer),
  );
  for (const task of [1, 2, 3]) latest.submit(task);
  expect(sent).toEqual([1]);
  latest.answered("one");
  expect(sent).toEqual([1, 3]);
  latest.answered("three");
  latest.submit(4);
  expect(sent).toEqual([1, 3, 4]);
  expect(received).toEqual(["one", "three"]);
});
