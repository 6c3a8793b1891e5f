import type { Run } from "../client/types.ts";
import { hrefOf } from "./address.ts";
import { compose } from "./compose/draft.ts";
import { ask } from "./parts/ask.tsx";
import { said } from "./parts/said.ts";
import { say } from "./parts/toast.tsx";
import { api } from "./session.ts";
import type { Remedy } from "./words/attention.ts";

/** Does what the button beside a fault says. */
export function openRemedy(remedy: Remedy, run: Run): void {
  if (remedy === "cancel") askToCancel(run);
  else if (remedy === "rerun") void rerun(run);
  else void compose(remedy === "change" ? { kind: "rerun", run } : { kind: "continue", run });
}

export function askToCancel({ id }: Run): void {
  const onYes = () => void said(api().runs.cancel(id), "Cancelled; waiting for the agent to stop.");
  ask({ question: "Cancel this run? Its changes so far are kept.", verb: "Cancel the run", onYes });
}

export async function rerun({ id }: Run): Promise<void> {
  const sent = await said(api().runs.rerun(id), undefined);
  if (sent) say("Sent again.", { link: { href: hrefOf({ run: sent.id }), word: "Open" } });
}

export async function archive({ id }: Run): Promise<void> {
  await said(api().runs.archive(id), "Archived: lists leave it out.");
}
