import { type Price, priceOf, readPrices } from "../../../../infra/agent/model/prices.ts";
import { costOf } from "../../../../infra/agent/model/usage.ts";

const TOKENS = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0 };
const priceIn = (override: string | undefined, model: string): Price | undefined =>
  priceOf(readPrices(override), model);

test.each([
  "claude-opus-5-5",
  "claude-haiku-4-5-20251001",
  "claude-sonnet-4-20250514",
  "claude-3-5-haiku-latest",
])("%s has a price", (model) => {
  expect(priceIn(undefined, model)).toMatchObject({ input: expect.any(Number) });
});

test.each([
  "claude-next",
  "",
  "claude-opus",
  "claude-opus-5-5-fast",
  "__proto__",
  "constructor",
  "*",
])("%j has none", (model) => {
  expect(priceIn(undefined, model)).toBeUndefined();
});

test("a million tokens of each kind cost what the list says", () => {
  const price = priceIn(undefined, "claude-opus-4-1") as Price;
  const costs = Object.keys(TOKENS).map((kind) => costOf({ ...TOKENS, [kind]: 1e6 }, price));
  expect(costs).toEqual([15, 1.5, 18.75, 30, 75]);
});

test("a long prompt of a model that charges more for it costs more, its answer too", () => {
  const price = priceIn(undefined, "claude-haiku-5-5") as Price;
  expect(costOf({ ...TOKENS, input: 100_000, output: 1e6 }, price)).toBeCloseTo(0.51, 9);
  expect(costOf({ ...TOKENS, input: 100_001, output: 1e6 }, price)).toBeCloseTo(2.55, 5);
});

test("the operator's prices stand above the list's, and * is every model that is not named", () => {
  const override =
    '{"claude-next": {"input": 3, "output": 15, "maxOutput": 1000}, "*": {"input": 100, "output": 500}}';
  expect(priceIn(override, "claude-next-20270101")).toEqual({
    input: 3,
    output: 15,
    cacheRead: 3,
    cacheWrite5m: 3.75,
    cacheWrite1h: 6,
    maxOutput: 1000,
  });
  expect(priceIn(override, "gpt")).toMatchObject({ input: 100 });
  expect(priceIn(override, "claude-opus-5-5")).toMatchObject({ input: 4 });
});

test.each([
  ["{", "RUNYARD_MODEL_PRICES is not JSON"],
  ["[]", "RUNYARD_MODEL_PRICES must be an object of models"],
  ['{"m": 3}', "the price of m must be an object"],
  ['{"m": {"input": 3}}', 'm needs "input" and "output"'],
  ['{"m": {"input": -3, "output": 1}}', "input of m must be a number of at least 0"],
  ['{"m": {"input": "3", "output": 1}}', "input of m must be a number of at least 0"],
  ['{"m": {"inputs": 3, "output": 1}}', "m has no field inputs"],
])("prices that are none are refused: %s", (override, message) => {
  expect(() => readPrices(override)).toThrow(message);
});
