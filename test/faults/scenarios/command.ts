import { SCENARIOS } from "./scenarios.ts";

/**
 * Plays the scenarios whose name has the text, and prints of each what does not hold in it.
 *
 * @param text `all`: every one
 * @throws {Error} if no name has it
 */
export async function playScenarios(text: string): Promise<boolean> {
  const chosen = Object.entries(SCENARIOS).filter(
    ([name]) => text === "all" || name.includes(text),
  );
  if (chosen.length === 0) throw new Error(`no scenario has "${text}" in its name`);
  let broken = 0;
  for (const [name, play] of chosen) {
    const violations = await play();
    if (violations.length > 0) broken += 1;
    process.stdout.write(`${violations.length === 0 ? "holds " : "BROKEN"} ${name}\n`);
    for (const { invariant, runId, wrong } of violations.slice(0, 3)) {
      process.stdout.write(`         ${invariant} ${runId}: ${wrong}\n`);
    }
  }
  return broken === 0;
}
