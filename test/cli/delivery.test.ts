import { type DeliveryFlags, deliverOf, deliveryTexts } from "../../cli/delivery.ts";
import type { Run } from "../../client/types.ts";

test.each<[DeliveryFlags, ReturnType<typeof deliverOf>]>([
  [{}, undefined],
  [{ deliver: true }, {}],
  [{ deliver: true, branch: "agent/x" }, { branch: "agent/x" }],
  [{ pullRequest: true }, { pullRequest: {} }],
  [{ deliver: true, deliverFolder: ["site"] }, { folders: ["site"] }],
  [
    { pullRequest: true, branch: "agent/x", title: "Say hello", draft: true, mentions: true },
    { branch: "agent/x", pullRequest: { title: "Say hello", draft: true, mentions: true } },
  ],
])("what is said about a run's changes, %j, is asked for", (flags, deliver) => {
  expect(deliverOf(flags)).toEqual(deliver);
});

test.each<[DeliveryFlags, RegExp]>([
  [{ deliverFolder: ["site"] }, /^--deliver-folder .*say --deliver or --pull-request/],
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

const runWith = (more: Partial<Run>) => more as Run;

test("a delivery is a line, with what a host says made harmless", () => {
  expect(deliveryTexts(runWith({ repository: REPOSITORY }))).toEqual([
    "https://github.com/octo/site/pull/1 (draft) Delivered to the branch runyard/run_1, pull request #1.",
  ]);
  const several = [
    { ...REPOSITORY, folder: "site" },
    { ...REPOSITORY, folder: "lib", delivery: "unchanged" as const, why: "Nothing." },
  ];
  expect(deliveryTexts(runWith({ repositories: several }))).toEqual([
    expect.stringMatching(/^site: https:.*pull request #1\.$/),
    "lib: unchanged: Nothing.",
  ]);
  const refused = { ...REPOSITORY, pullRequest: null, delivery: "refused" as const };
  const said = deliveryTexts(
    runWith({ repository: { ...refused, why: "No.\u001b[31m\nNever" } }),
  ).join();
  expect(said).toMatch(/^refused: No\./);
  expect(said).not.toContain("\n");
});
