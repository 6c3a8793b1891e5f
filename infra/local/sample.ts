import { followRun } from "../../cli/follow/follow.ts";
import { openScreen, sayEndIfCleared, usualScreen } from "../../cli/follow/screen.ts";
import type { Update } from "../../cli/follow/view.ts";
import { wholeResultLines } from "../../cli/result.ts";
import { complain, say } from "../../cli/terminal.ts";
import { typed } from "../../cli/typed.ts";
import { type Client, createClient } from "../../client/client.ts";
import type { Run } from "../../client/types.ts";
import type { ServeOptions } from "./serve-options.ts";
import type { Local } from "./start.ts";

/** Spending cap of the sample with a real model. */
export const SAMPLE_CAP_USD = 0.5;

/** Sends the sample through HTTP as anybody would, and shows it; true if it succeeded. */
export async function sendSample(
  { address, key }: Local,
  { prompt, live, state }: ServeOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const settings = live ? { maxBudgetUsd: SAMPLE_CAP_USD } : {};
  const client = createClient({ url: address.apiUrl, key, retries: 1 });
  let id: string | undefined;
  try {
    const sent = await client.runs.create({ prompt, agent: { settings } }, { signal });
    id = sent.id;
    say(`\nSample ${id} ${JSON.stringify(prompt)}`);
    const run = await shownToItsEnd(sent, client, signal);
    for (const line of wholeResultLines(run, { state })) complain(line);
    return run.status === "succeeded";
  } catch (error) {
    if (!signal.aborted) throw error;
    if (id !== undefined) say(`  ${typed(["watch", id], { state })}`);
    return false;
  }
}

async function shownToItsEnd(known: Run, client: Client, signal: AbortSignal): Promise<Run> {
  const { id } = known;
  using screen = openScreen(usualScreen(), { ids: [id] });
  const onUpdate = (update: Update) => screen.update(id, update);
  const run = await followRun(id, { open: () => client, onUpdate, signal, known });
  screen[Symbol.dispose]();
  sayEndIfCleared(run);
  return run;
}
