import { trackPhases } from "../../../infra/agent/phases.ts";
import type { AgentEvent } from "../../../shared/documents/event.ts";

test("one phase ends where the next begins, and what was before anybody listened is told first", () => {
  let now = 0;
  const phases = trackPhases({ now: () => now });
  const events: AgentEvent[] = [];
  phases.enter("claim");
  now += 40;
  phases.enter("checkout");
  phases.tell((event) => void events.push(event));
  now += 0.6;
  phases.leave("failed");
  phases.leave();
  phases.enter("upload");
  expect(events).toEqual([
    { type: "phase", name: "claim", state: "started" },
    { type: "phase", name: "claim", state: "done", ms: 40 },
    { type: "phase", name: "checkout", state: "started" },
    { type: "phase", name: "checkout", state: "failed", ms: 1 },
    { type: "phase", name: "upload", state: "started" },
  ]);
  expect(phases.times()).toEqual([
    { name: "claim", ms: 40 },
    { name: "checkout", ms: 1 },
  ]);
});
