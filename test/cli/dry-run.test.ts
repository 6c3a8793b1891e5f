import { dryRunLines } from "../../cli/dry-run.ts";
import type { DryRun } from "../../client/types.ts";

const plain: DryRun = {
  valid: true,
  agent: null,
  maxCostUsd: 5,
  queue: null,
  usually: null,
  repository: null,
  repositories: [],
};

test("a request that would be accepted is told with what it could cost and when it would begin", () => {
  expect(dryRunLines(plain)).toEqual([
    "It would be accepted.",
    "  Cost        at most $5.0000",
    "  Queue       a slot is free",
  ]);
});

test("what is known of its agent, its place and its repository is told, and nothing begins a line", () => {
  const id = "agent_07v95U8FE5rN5wVURJ4k9b";
  const lines = dryRunLines({
    ...plain,
    agent: { id, version: 3 },
    queue: { position: 4, startsAt: "2027-01-31T12:00:00.000Z" },
    usually: { runs: 1, p50Ms: 65_000, p95Ms: 3_700_000, p50CostUsd: 0, p95CostUsd: 0.25 },
    repository: { reachable: false, why: "No\nreason.", hasRef: null },
    repositories: [{ folder: "web", reachable: true, why: "It lists its refs.", hasRef: null }],
  });
  expect(lines).toEqual([
    "It would be accepted.",
    `  Agent       ${id}, version 3`,
    "  Cost        at most $5.0000; half of its runs $0, 95 of 100 $0.2500",
    "  Time        half of its runs 1:05, 95 of 100 1:01:40; 1 run in 30 days",
    "  Queue       place 4 of your runs that wait, until about 2027-01-31T12:00:00.000Z",
    "  Repository  not reachable: No\u{fffd}reason.",
    "  Repository  web: reachable: It lists its refs.",
  ]);
});
