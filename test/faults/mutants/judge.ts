import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Mutant } from "./mutant.ts";
import { mutated } from "./patch.ts";
import type { Killed } from "./suite.ts";

/** What became of a mutant. */
export interface Judged {
  mutant: Mutant;
  /** Undefined: it lives, or its process came to no verdict. */
  killed: Killed | undefined;
  /** Why its process came to no verdict; that proves nothing. */
  fault?: string;
  seconds: number;
}

const run = promisify(execFile);

async function judge(mutant: Mutant, seconds: number): Promise<Judged> {
  const startedAt = performance.now();
  const script = join(import.meta.dirname, "mutant-process.ts");
  const flags = ["--disable-warning=ExperimentalWarning"];
  const took = () => (performance.now() - startedAt) / 1000;
  try {
    const { stdout } = await run(process.execPath, [...flags, script, mutant.name, `${seconds}`]);
    // What a handler prints comes before.
    const verdict = stdout.trim().split("\n").at(-1) ?? "";
    const killed = verdict === "undefined" ? undefined : (JSON.parse(verdict) as Killed);
    return { mutant, killed, seconds: took() };
  } catch (error) {
    const fault = (error as Error).message.slice(-300);
    return { mutant, killed: undefined, fault, seconds: took() };
  }
}

/** Name, time, and what killed it. */
export function lineOf({ mutant, killed, fault, seconds }: Judged): string {
  const alive = fault === undefined ? "LIVES" : `NO VERDICT: ${fault}`;
  const verdict = killed === undefined ? alive : `${killed.invariant}, by ${killed.by}`;
  return `${mutant.name.padEnd(52)}${seconds.toFixed(0).padStart(4)} s  ${verdict}`;
}

/**
 * Plays the proofs against each mutant, in processes of their own, as many at a time as there are
 * cores.
 *
 * @param seconds of each process's own work in which they may look for what is missing
 * @throws {Error} before any is played, if the text of one does not stand in its file
 */
export async function judgeAll(
  mutants: readonly Mutant[],
  seconds: number,
  onJudged: (one: Judged) => void,
): Promise<Judged[]> {
  for (const mutant of mutants) mutated(mutant);
  const waiting = mutants.values();
  const judged: Judged[] = [];
  const work = async () => {
    for (const mutant of waiting) {
      const one = await judge(mutant, seconds);
      judged.push(one);
      onJudged(one);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return judged;
}
