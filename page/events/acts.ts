import { go, hrefOf, type View } from "../address.ts";
import { ask } from "../parts/ask.tsx";
import { said } from "../parts/said.ts";
import { keepSecret } from "./secret.tsx";

/** What is done once somebody has said yes to it. */
export const askTo = (question: string, verb: string, act: () => Promise<void>) => () =>
  ask({ question, verb, onYes: () => void act() });

/** Shows the secret that is made, once, beside what `load` loads anew. */
export async function rotate(
  making: Promise<{ id: string; secret?: string }>,
  load: () => Promise<void>,
): Promise<void> {
  const made = await said(making, "It has a new secret.");
  if (made === undefined) return;
  await load();
  keepSecret(made);
}

/** Goes back to the list once it is deleted. */
export async function erase(deleting: Promise<void>, view: View): Promise<void> {
  const isDone = await said(
    deleting.then(() => true),
    "Deleted.",
  );
  if (isDone) go(hrefOf({ view }));
}
