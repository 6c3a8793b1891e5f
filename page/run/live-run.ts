import { computed, signal } from "@preact/signals";
import { ProblemError } from "../../client/problem-error.ts";
import type { Run, RunEvent } from "../../client/types.ts";
import { onConnection } from "../list/live-runs.ts";
import { api, endedSession } from "../session.ts";
import { turnsOf } from "./turns.ts";

/** The run that is looked at, as the API has it; null: not yet. */
export const run = signal<Run | null>(null);
export const events = signal<readonly RunEvent[]>([]);
/** The transcript as far as it is told. */
export const turns = computed(() => turnsOf(events.value));
/** Why it cannot be shown; null: it can. */
export const missing = signal<string | null>(null);

/** Wait before a lost connection is tried again, in milliseconds. */
const AGAIN_MS = 4000;
/** Events that change what the document says are answered by one look at it, so much later. */
const LOOK_MS = 400;

/** Forgets the run that was looked at before. */
export function resetRun(): void {
  run.value = null;
  events.value = [];
  missing.value = null;
}

/** Follows a run until it is over or `signal` aborts; goes on after what is known. */
export async function followRun(id: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await look(id, signal);
      await followEvents(id, signal);
      await look(id, signal);
      return;
    } catch (error) {
      if (signal.aborted || endedSession(error)) return;
      if (error instanceof ProblemError && error.status < 500 && error.status !== 429) {
        // The events of a run are kept for a month, the run itself for longer.
        if (error.code !== "events_expired") missing.value = error.detail;
        return;
      }
      onConnection(false);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function look(id: string, signal: AbortSignal): Promise<void> {
  const found = await api().runs.get(id, { signal });
  if (signal.aborted) return;
  onConnection(true);
  run.value = found;
}

async function followEvents(id: string, signal: AbortSignal): Promise<void> {
  const added: RunEvent[] = [];
  let drawing: ReturnType<typeof setTimeout> | undefined;
  let looking: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    drawing = undefined;
    if (!signal.aborted && added.length > 0) events.value = [...events.value, ...added.splice(0)];
  };
  const lookLater = () => {
    looking = undefined;
    look(id, signal).catch(() => {
      // The stream says so when the connection is lost.
    });
  };
  try {
    const after = events.peek().at(-1)?.id;
    for await (const event of api().follow(id, { after, signal, onConnection })) {
      added.push(event);
      drawing ??= setTimeout(draw, 50);
      const { type } = event.event;
      const says = type === "status" || type === "changes" || type === "usage" || type === "phase";
      if (says) looking ??= setTimeout(lookLater, LOOK_MS);
    }
  } finally {
    clearTimeout(drawing);
    clearTimeout(looking);
    draw();
  }
}
