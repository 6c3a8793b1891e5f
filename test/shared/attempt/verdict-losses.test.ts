import { OUTCOMES, type Outcome } from "../../../shared/attempt/outcomes.ts";
import { verdict } from "../../../shared/attempt/verdict.ts";
import type { AgentFacts } from "../../../shared/documents/manifest.ts";

const facts = (overrides: Partial<AgentFacts> = {}): AgentFacts => ({
  started: true,
  error: null,
  failedStep: null,
  exitCode: 0,
  signal: null,
  stoppedBy: null,
  result: { subtype: "success", is_error: false, result: "Done so.", num_turns: 2 },
  toolCalls: 1,
  toolErrors: 0,
  deniedTools: [],
  turns: 2,
  lastText: "Done so.",
  stderrTail: "",
  wantsStructuredOutput: false,
  outputFaults: null,
  ...overrides,
});

const OMITTED = {
  files: [
    { path: "big.bin", why: "too_large" as const },
    { path: "shut/", why: "unreadable" as const },
  ],
  moreFiles: 3,
  ignoredFiles: 7,
};

test("a success that leaves something out names it; what git ignores alone changes nothing", () => {
  const message = "Done, but not kept: big.bin (too large), shut/ (cannot be read) and 3 more.";
  const found = verdict(facts(), OMITTED);
  expect(found).toEqual({ outcome: "succeeded_with_omissions", message, deniedTools: [] });
  expect(OUTCOMES[found.outcome].status).toBe("succeeded");
  const denied = facts({ deniedTools: ["Bash"], toolCalls: 2, toolErrors: 1 });
  expect(verdict(denied, OMITTED)).toEqual({
    outcome: "succeeded_with_omissions",
    message: `${message} Done, but denied: Bash.`,
    deniedTools: ["Bash"],
  });
  expect(verdict(facts(), { ...OMITTED, files: [], moreFiles: 0 }).outcome).toBe("succeeded");
  expect(verdict(facts({ result: null }), OMITTED).outcome).toBe("no_result");
});

test.each<[string, Partial<AgentFacts>, Outcome]>([
  ["an output could not be kept", { error: "Outputs are missing: patch.diff" }, "out_of_disk"],
  ["the agent could not start", { started: false, result: null, error: "mkdir" }, "out_of_disk"],
  ["the checkout failed", { failedStep: "checkout", error: "write", result: null }, "out_of_disk"],
  ["there is no result", { result: null }, "out_of_disk"],
  ["nothing is missing", {}, "succeeded"],
  ["it was cancelled", { stoppedBy: "cancel", result: null }, "cancelled"],
])("with a full disk, when %s, the outcome is right", (_what, more, outcome) => {
  const found = verdict(facts({ isDiskFull: true, ...more }));
  expect(found.outcome).toBe(outcome);
  if (outcome === "out_of_disk") expect(found.message).toMatch(/^The machine's disk is full\./);
});

const LEFT = { commands: ["npm run dev", "sleep 60"], more: 3 };
const LEFT_SAID =
  "rocesses that the agent left did not end in time: npm run dev, sleep 60 and 3 more.";

test("what was ended while it was at work is named, with what ended with the agent", () => {
  expect(verdict(facts({ leftProcesses: LEFT }))).toMatchObject({
    outcome: "background_ended",
    message: `Done, but p${LEFT_SAID}`,
  });
  expect(verdict(facts({ background: ["all tests"], leftProcesses: LEFT }))).toMatchObject({
    outcome: "background_ended",
    message: `Done, but commands that were still at work in the background ended with the agent: all tests; and p${LEFT_SAID}`,
  });
});

test.each<[Outcome, string, Partial<AgentFacts>]>([
  ["succeeded_with_denials", "Done, but denied: Bash.", { deniedTools: ["Bash"], toolCalls: 2 }],
  [
    "max_turns",
    "The agent reached its maximum number of turns.",
    { result: { subtype: "error_max_turns" } },
  ],
])("an outcome of another name, %s, names it too", (outcome, message, more) => {
  expect(verdict(facts({ leftProcesses: LEFT, background: ["all tests"], ...more }))).toMatchObject(
    {
      outcome,
      message: `${message} Commands that were still at work in the background ended with the agent: all tests. P${LEFT_SAID}`,
    },
  );
  const omitted = {
    files: [{ path: "a", why: "too_large" as const }],
    moreFiles: 0,
    ignoredFiles: 0,
  };
  if (outcome === "succeeded_with_denials") {
    expect(verdict(facts({ leftProcesses: LEFT, ...more }), omitted).message).toBe(
      `Done, but not kept: a (too large). ${message} P${LEFT_SAID}`,
    );
  }
});
