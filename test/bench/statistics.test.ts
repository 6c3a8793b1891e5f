import { interleave } from "./benchmark.ts";
import { median, quantile, ratioOf } from "./statistics.ts";

test.each([
  { values: [3], expected: 3 },
  { values: [9, 1, 5], expected: 5 },
  { values: [1, 2, 10, 20], expected: 6 },
])("the median of $values is $expected", ({ values, expected }) => {
  expect(median(values)).toBe(expected);
});

test.each([
  { share: 0.5, expected: 50 },
  { share: 0.99, expected: 99 },
  { share: 1, expected: 100 },
  { share: 0, expected: 1 },
])("of 1 to 100 the quantile at $share is $expected", ({ share, expected }) => {
  const values = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect(quantile(values, share)).toBe(expected);
});

test("nothing has no median and no quantile", () => {
  expect(median([])).toBeNaN();
  expect(quantile([], 0.5)).toBeNaN();
});

test("a ratio is the median of the rounds' ratios, so that a slow round counts for both", () => {
  expect(ratioOf([2, 200, 6], [1, 100, 2])).toBe(2);
});

test("variants take turns at being the first of a round, and keep their samples in order", async () => {
  const order: string[] = [];
  const variant = (name: string) => ({
    name,
    async measure(round: number) {
      order.push(`${name}${round}`);
      return round;
    },
  });
  const samples = await interleave({ progress() {} }, [variant("a"), variant("b")], 3);
  expect(order).toEqual(["a0", "b0", "b1", "a1", "a2", "b2"]);
  expect(Object.fromEntries(samples)).toEqual({ a: [0, 1, 2], b: [0, 1, 2] });
});
