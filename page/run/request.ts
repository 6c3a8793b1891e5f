import { signal } from "@preact/signals";
import type { Run, RunRequest } from "../../client/types.ts";
import { api, endedSession } from "../session.ts";

const loaded = signal<{ id: string; request: RunRequest } | null>(null);

/** What the run was asked, with each default filled in; null: that is not known yet. */
export const requestOf = ({ id }: Run): RunRequest | null =>
  loaded.value?.id === id ? loaded.value.request : null;

/** Asks for it, once a run: it never changes. */
export async function loadRequest(id: string): Promise<void> {
  if (loaded.peek()?.id === id) return;
  try {
    const request = await api().runs.request(id);
    loaded.value = { id, request };
  } catch (error) {
    // Without it only what the run may cost and take is not said.
    endedSession(error);
  }
}
