import { askAgainAt } from "../../../../infra/agent/model/retry-after.ts";

const NOW = Date.parse("2026-01-02T03:04:05.000Z");
const seconds = (headers: Record<string, string>, status = 429) => {
  const at = askAgainAt({ status, headers }, NOW);
  return at === undefined ? undefined : (at - NOW) / 1000;
};
const at = (after: number) => new Date(NOW + after * 1000).toISOString();

test.each<[string, Record<string, string>, number | undefined]>([
  ["nothing", {}, undefined],
  ["seconds", { "retry-after": "90" }, 90],
  ["none", { "retry-after": "0" }, 0],
  ["a date", { "retry-after": "Fri, 02 Jan 2026 03:05:05 GMT" }, 60],
  ["nonsense", { "retry-after": "soon" }, undefined],
  ["a negative number", { "retry-after": "-1" }, undefined],
  [
    "the reset of what is used up, not of what is left",
    {
      "anthropic-ratelimit-requests-remaining": "3",
      "anthropic-ratelimit-requests-reset": at(900),
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-input-tokens-reset": at(40),
      "anthropic-ratelimit-output-tokens-remaining": "0",
      "anthropic-ratelimit-output-tokens-reset": at(50),
    },
    50,
  ],
  [
    "a subscription's reset, in seconds since the epoch",
    {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": String(NOW / 1000 + 3600),
    },
    3600,
  ],
  [
    "seconds before a reset",
    {
      "retry-after": "7",
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": at(900),
    },
    7,
  ],
])("an answer that says %s", (_what, headers, expected) => {
  expect(seconds(headers)).toBe(expected);
});

test.each([
  [429, 5],
  [503, 5],
  [529, 5],
  [200, undefined],
  [400, undefined],
  [500, undefined],
])("an answer of %i is heard", (status, expected) => {
  expect(seconds({ "retry-after": "5" }, status)).toBe(expected);
});
