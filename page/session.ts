import { signal } from "@preact/signals";
import { type Client, createClient } from "../client/client.ts";
import { ProblemError } from "../client/problem-error.ts";

const STORED = "runyard.key";

/** The key that the page calls with; null: nobody is signed in. It stays in this tab. */
export const key = signal<string | null>(null);
/** Why nobody is signed in any more; null: nobody was. */
export const signedOutWhy = signal<string | null>(null);

let client: Client | undefined;

/** Begins the session of this tab, and another one if its address gets another key. */
export function startSession(): void {
  openSession();
  addEventListener("hashchange", openSession);
}

/** Takes a key from the address (`#key=…`), which then no longer has it, or else the tab's own. */
function openSession(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
    sessionStorage.setItem(STORED, given);
    client = undefined;
  }
  key.value = sessionStorage.getItem(STORED);
}

/** @throws {ProblemError} unauthorized if the API does not take it */
export async function signIn(given: string): Promise<void> {
  const tried = clientWith(given);
  for await (const _run of tried.runs.list({ pageSize: 1 })) break;
  sessionStorage.setItem(STORED, given);
  client = tried;
  signedOutWhy.value = null;
  key.value = given;
}

function signOut(why: string | null): void {
  sessionStorage.removeItem(STORED);
  client = undefined;
  signedOutWhy.value = why;
  key.value = null;
}

/** The API with the key of this session. Call only while somebody is signed in. */
export function api(): Client {
  client ??= clientWith(key.value ?? "");
  return client;
}

const clientWith = (given: string): Client =>
  createClient({ url: `${location.origin}/v1`, key: given });

/** Signs out if the API no longer takes the key; true then. */
export function endedSession(error: unknown): boolean {
  const isRefused = error instanceof ProblemError && error.code === "unauthorized";
  if (isRefused) signOut("It was revoked or has expired.");
  return isRefused;
}

/** What went wrong, for a person. */
export function faultOf(error: unknown): string {
  if (error instanceof ProblemError) return `${error.detail}.`.replace(/\.\.$/, ".");
  return "The server does not answer.";
}
