import { describe, type Figures, weaknessesOf } from "./figures.ts";
import { type Progress, runProcesses } from "./run.ts";
import { ENGINES, type Engine } from "./stand-in.ts";

export interface ProcessesCommand {
  seed: number;
  seconds: number;
  /** Default: any number. */
  runs?: number | undefined;
  engine: string;
  progress<T>(describe: (so: T) => string): (so: T) => boolean;
}

const soFar = ({ accepted, over, faults, violations, isAtRest }: Progress): string =>
  `${accepted} runs, ${over} over, ${faults} faults, ${violations} violations${isAtRest ? "; no more faults, what is left is waited for" : ""}`;

/**
 * Runs everything as real processes under faults, and prints what came of it.
 *
 * @throws {Error} if there is no such engine
 */
export async function processes(command: ProcessesCommand): Promise<boolean> {
  const { seed, seconds, runs } = command;
  process.stdout.write(`seed ${seed}, ${seconds} s\n`);
  let last = "";
  const progress: typeof command.progress = (tell) => {
    const onProgress = command.progress(tell);
    return (so) => {
      last = tell(so);
      return onProgress(so);
    };
  };
  const figures = await playProcesses({ ...command, progress });
  if (figures === undefined) {
    process.stdout.write(`given up after ${last}\n`);
    return false;
  }
  process.stdout.write(`${describe(figures)}\n`);
  const weaknesses = runs === undefined ? weaknessesOf(figures) : [];
  if (weaknesses.length > 0) process.stdout.write(`It proves nothing: ${weaknesses.join("; ")}.\n`);
  return figures.violations.length === 0 && weaknesses.length === 0;
}

/** @returns undefined: it was given up */
export function playProcesses(command: ProcessesCommand): Promise<Figures | undefined> {
  const { seed, seconds, runs, engine, progress } = command;
  if (!isEngine(engine))
    throw new Error(`--engine is ${engine}, and must be ${ENGINES.join(" or ")}`);
  const onProgress = progress(soFar);
  return runProcesses({ seed, seconds, engine, ...(runs !== undefined && { runs }), onProgress });
}

const isEngine = (name: string): name is Engine => ENGINES.some((engine) => engine === name);
