import { signal } from "@preact/signals";
import { type Client, createClient } from "../client/client.ts";
import { ProblemError } from "../client/problem-error.ts";
import { type GoogleAnswer, googleAnswer } from "./google.ts";

const STORED = "runyard.key";

/**
 * The key or ID token that the page calls with; null: nobody is signed in. It stays in this tab.
 */
export const key = signal<string | null>(null);
/** Why nobody is signed in any more; null: nobody was. */
export const signedOut = signal<{ title: string; why: string } | null>(null);
/** Whether Google's answer is being tried. */
export const isComingIn = signal(false);

const KEY_OVER = { title: "This key is not valid any more", why: "It was revoked or has expired." };
const TOKEN_OVER = {
  title: "You are no longer signed in",
  why: "A sign-in with Google lasts an hour. Sign in again to go on where you are.",
};
const notIn = (why: string) => ({ title: "You are not signed in", why });

let client: Client | undefined;

/** Begins the session of this tab, and another one if its address gets another key. */
export function startSession(): void {
  openSession();
  addEventListener("hashchange", openSession);
}

/**
 * Takes a key (`#key=…`) or Google's answer from the address, which then no longer has it, or else
 * the tab's own.
 */
function openSession(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const answer = googleAnswer(fragment);
  if (answer !== undefined) return void takeAnswer(answer);
  const given = fragment.get("key");
  if (given !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
    sessionStorage.setItem(STORED, given);
    client = undefined;
  }
  key.value = sessionStorage.getItem(STORED);
}

async function takeAnswer(answer: GoogleAnswer): Promise<void> {
  history.replaceState(history.state, "", `/${"back" in answer ? answer.back : ""}`);
  if ("fault" in answer) return signOut(notIn(answer.fault));
  isComingIn.value = true;
  try {
    await signIn(answer.token);
  } catch (error) {
    signOut(notIn(faultOf(error)));
  } finally {
    isComingIn.value = false;
  }
}

/** @throws {ProblemError} unauthorized if the API does not take it */
export async function signIn(given: string): Promise<void> {
  const tried = clientWith(given);
  for await (const _run of tried.runs.list({ pageSize: 1 })) break;
  sessionStorage.setItem(STORED, given);
  client = tried;
  signedOut.value = null;
  key.value = given;
}

function signOut(why: { title: string; why: string }): void {
  sessionStorage.removeItem(STORED);
  client = undefined;
  signedOut.value = why;
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
  // Several requests may be refused; the first one ends it. An ID token has dots, and a key has
  // none.
  if (isRefused && key.value !== null) signOut(key.value.includes(".") ? TOKEN_OVER : KEY_OVER);
  return isRefused;
}

/** What went wrong, for a person. */
export function faultOf(error: unknown): string {
  if (error instanceof ProblemError) return `${error.detail}.`.replace(/\.\.$/, ".");
  return "The server does not answer.";
}
