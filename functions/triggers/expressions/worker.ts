import { parentPort } from "node:worker_threads";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import type { ExpressionFault, TriggerExpressions } from "../../services/expressions.ts";
import { celFault, decide } from "./cel.ts";
import { NotUsable } from "./remembered.ts";
import { render, templateFault } from "./template.ts";

/** What the thread is asked, one after the other. */
export type Question =
  | { open: IncomingEvent }
  | { decide: TriggerExpressions }
  | { render: string }
  | { check: TriggerExpressions };

/**
 * A thread that evaluates expressions over the event that was opened last, and answers each
 * question with its value or `{error}`.
 */
let event: IncomingEvent | undefined;

parentPort?.on("message", (question: Question) => {
  parentPort?.postMessage(answerTo(question));
});
warmUp();
parentPort?.postMessage("ready");

/** What libraries do the first time is no caller's time. */
function warmUp(): void {
  const probe = {
    id: "1",
    source: "/",
    type: "probe",
    extensions: {},
    data: { text: "a", n: [1] },
  };
  const filter = 'event.data.text.matches("^a+$") && event.data.n.exists(one, one > 0) || !true';
  const keys = { dedupe: "string(event.data.n[0])", conversation: "event.data.text" };
  const prompt =
    "{% for one in event.data.n %}{{ one | plus: 1 }}{{ event.data.text }}{% endfor %}";
  decide({ filter, ...keys, prompt }, probe);
  render(prompt, probe);
}

function answerTo(question: Question): unknown {
  if ("check" in question) return { faults: faultsOf(question.check) };
  if ("open" in question) {
    event = question.open;
    return {};
  }
  if (event === undefined) throw new Error("no event is open");
  try {
    if ("decide" in question) return decide(question.decide, event);
    return { prompt: render(question.render, event) };
  } catch (error) {
    // What a library throws at what callers wrote fails closed, too.
    return { error: error instanceof NotUsable ? error.message : `it fails: ${String(error)}` };
  }
}

function faultsOf(of: TriggerExpressions): ExpressionFault[] {
  const faults = [
    ...(["filter", "dedupe", "conversation"] as const).map((name) => {
      const text = of[name];
      return { pointer: `/${name}`, detail: text === null ? undefined : celFault(text) };
    }),
    { pointer: "/prompt", detail: templateFault(of.prompt) },
  ];
  return faults.flatMap(({ pointer, detail }) => (detail === undefined ? [] : { pointer, detail }));
}
