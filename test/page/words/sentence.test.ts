import type { RunEvent } from "../../../client/types.ts";
import { headSentence, rowSentence, tookMs } from "../../../page/words/sentence.ts";
import { answered, eventsOf, overRun, pageRun, secondsAfter } from "../../support/page-run.ts";

const now = { now: secondsAfter(42), queueMs: null };
const changes = { files: 2, added: 5, removed: 1 };

describe("a row says", () => {
  test("what an unfinished run waits for", () => {
    expect(rowSentence(pageRun(), now)).toBe("Waiting to be submitted to Cloud Build.");
    expect(rowSentence(pageRun({ status: "queued" }), now)).toBe(
      "Waiting for Cloud Build for 42 s.",
    );
    expect(rowSentence(pageRun({ status: "queued" }), { ...now, queueMs: 31_000 })).toBe(
      "Waiting for Cloud Build for 42 s; half of this week’s runs waited less than 31 s.",
    );
    expect(rowSentence(pageRun({ status: "cancelling" }), now)).toBe(
      "Cancelled; waiting for the agent to stop.",
    );
  });

  test("what the agent does, on one line, or else what the document says", () => {
    const at = "2026-01-02T03:04:10.000Z";
    const running = pageRun({ status: "running", why: "The agent is working." });
    const progress = { turn: 14, text: "Bash npm test\nand more", at };
    expect(rowSentence({ ...running, progress }, now)).toBe("Turn 14: Bash npm test.");
    expect(rowSentence(running, now)).toBe("The agent is working.");
  });

  test("what came of a finished run", () => {
    expect(rowSentence(overRun({ changes }), now)).toBe("2 files.");
    expect(rowSentence(overRun({ output: answered("It is so.") }), now)).toBe("Answered, 3 words.");
    expect(rowSentence(overRun({ output: { ...answered(""), structured: {} } }), now)).toBe(
      "JSON fits its schema.",
    );
    expect(rowSentence(overRun(), now)).toBe("Done.");
  });

  test("why it ended otherwise, with what may not be seen drawn", () => {
    const verdict = { outcome: "agent_error", deniedTools: [] };
    const failed = overRun({ status: "failed", why: "It said \u001b[2J.", verdict });
    expect(rowSentence(failed, now)).toBe("It said ␛[2J.");
  });
});

describe("a head says", () => {
  const running = pageRun({ status: "running", why: "The agent is working." });
  const call = (callId: string): RunEvent["event"] => ({
    type: "tool",
    tool: "Bash",
    input: "npm test",
    callId,
  });
  const result = (callId: string): RunEvent["event"] => ({
    type: "tool_result",
    callId,
    isError: false,
    preview: "",
    ms: 500,
  });
  const told = (...events: RunEvent["event"][]) =>
    headSentence(running, eventsOf(...events), now)
      .map((piece) => (typeof piece === "string" ? piece : `\`${piece.code}\``))
      .join("");

  test("which call is at work, and for how long", () => {
    expect(told(call("a"))).toBe("Turn 1: running Bash `npm test`, 41 s so far");
    expect(told(call("a"), result("a"), call("b"))).toBe(
      "Turn 2: running Bash `npm test`, 39 s so far",
    );
  });

  test("that the model is asked, answers, or is asked again", () => {
    expect(told(call("a"), result("a"))).toBe("Turn 1: the model is answering, 40 s so far");
    expect(told(call("a"), result("a"), { type: "retry", text: "Overloaded; again in 4 s." })).toBe(
      "Turn 1: Overloaded; again in 4 s",
    );
  });

  test("which phase is at work before the agent is", () => {
    expect(told({ type: "phase", name: "setup", state: "started" })).toBe(
      "Running the setup commands, 41 s so far",
    );
    expect(told()).toBe("The agent is working");
  });

  test("how long a finished run took and what came of it", () => {
    expect(headSentence(overRun({ changes }), [], now)).toEqual([
      "Done in 1 m 00 s: 2 files changed",
    ]);
    expect(headSentence(overRun(), [], now)).toEqual(["Done in 1 m 00 s"]);
    expect(tookMs(running, secondsAfter(42))).toBe(42_000);
  });
});

test("a run that was accepted after the page's clock last ticked has taken nothing yet", () => {
  expect(tookMs(pageRun(), secondsAfter(-1))).toBe(0);
  expect(tookMs(pageRun(), secondsAfter(2))).toBe(2000);
});
