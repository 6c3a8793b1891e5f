import { signal } from "@preact/signals";
import type { Run, RunRequest } from "../../client/types.ts";
import { api, endedSession, faultOf } from "../session.ts";

/** A run's request, or why it cannot be had. */
const loaded = signal<({ id: string } & ({ request: RunRequest } | { why: string })) | null>(null);

/** What the run was asked, with each default filled in; null: that is not known. */
export function requestOf({ id }: Run): RunRequest | null {
  const found = loaded.value;
  return found?.id === id && "request" in found ? found.request : null;
}

/** Why it will not be known; null: it is or may be. */
export function whyNoRequest({ id }: Run): string | null {
  const found = loaded.value;
  return found?.id === id && "why" in found ? found.why : null;
}

/** Asks for it, once a run: it never changes. */
export async function loadRequest(id: string): Promise<void> {
  const before = loaded.peek();
  if (before?.id === id && "request" in before) return;
  try {
    const request = await api().runs.request(id);
    loaded.value = { id, request };
  } catch (error) {
    if (!endedSession(error)) loaded.value = { id, why: faultOf(error) };
  }
}
