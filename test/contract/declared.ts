import { TARGET, type Target } from "./target.ts";

/**
 * How a test says where it can run. Plain `test` runs everywhere; what is declared below is
 * reported as skipped, by its name, elsewhere. On the stand-in everything runs.
 */
type Declare = typeof test;

function on(...targets: Target[]): Declare {
  const { skip } = test;
  return targets.includes(TARGET) ? test : (skip as Declare);
}

/**
 * Only the stand-in has it: its clock, files, process, private ports, injected faults, options of
 * its start.
 */
export const standInTest: Declare = on("standIn");

/**
 * Not in a real project: needs projects that need not be made, an endpoint on loopback, or the
 * whole project.
 */
export const emulatorTest: Declare = on("standIn", "emulators");

/** What Google does and its emulators do not; what they do instead stands beside it. */
export const googleTest: Declare = on("standIn", "remote");

/** Google's text for an error. Its emulators give the same code, and often words of their own. */
export function googlesText(text: string): string {
  return TARGET === "emulators" ? expect.any(String) : text;
}

/**
 * A known deviation from Google. Its name begins with the words of the `Differs:` comment in the
 * code.
 */
export const differsTest: Declare = on("standIn");
