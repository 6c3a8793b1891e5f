import { type DeliveryFlags, deliverOf, deliveryText } from "../../cli/delivery.ts";
import type { Run } from "../../client/types.ts";

test.each<[DeliveryFlags, ReturnType<typeof deliverOf>]>([
  [{}, undefined],
  [{ deliver: true }, {}],
  [{ deliver: true, branch: "agent/x" }, { branch: "agent/x" }],
  [{ pullRequest: true }, { pullRequest: {} }],
  [
    { pullRequest: true, branch: "agent/x", title: "Say hello", draft: true, mentions: true },
    { branch: "agent/x", pullRequest: { title: "Say hello", draft: true, mentions: true } },
  ],
])("what is said about a run's changes, %j, is asked for", (flags, deliver) => {
  expect(deliverOf(flags)).toEqual(deliver);
});

test.each<[DeliveryFlags, RegExp]>([
  [{ branch: "agent/x" }, /say --deliver or --pull-request/],
  [{ deliver: true, title: "Say hello" }, /say --pull-request/],
  [{ deliver: true, draft: true }, /say --pull-request/],
  [{ deliver: true, mentions: true }, /say --pull-request/],
])("what means nothing by itself, %j, is refused", (flags, words) => {
  expect(() => deliverOf(flags)).toThrow(words);
});

const REPOSITORY: NonNullable<Run["repository"]> = {
  url: "https://github.com/octo/site",
  branch: "runyard/run_1",
  baseCommit: "b",
  headCommit: "h",
  conflict: false,
  pullRequest: { number: 1, url: "https://github.com/octo/site/pull/1", state: "draft" },
  delivery: "done",
  why: "Delivered to the branch runyard/run_1, pull request #1.",
};

test("a delivery is a line, with what a host says made harmless", () => {
  expect(deliveryText(REPOSITORY)).toBe(
    "https://github.com/octo/site/pull/1 (draft) Delivered to the branch runyard/run_1, pull request #1.",
  );
  const refused = { ...REPOSITORY, pullRequest: null, delivery: "refused" as const };
  const said = deliveryText({ ...refused, why: "No.\u001b[31m\nNever" });
  expect(said).toMatch(/^refused: No\./);
  expect(said).not.toContain("\n");
});
