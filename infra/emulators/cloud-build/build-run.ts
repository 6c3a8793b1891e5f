import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type Build,
  type BuildStatus,
  type FailureInfo,
  type TimeSpan,
  timeSpan,
} from "./build.ts";
import type { BuildLog } from "./build-log.ts";
import type { Engine } from "./engine.ts";

/** Why a running build is stopped from outside. */
export type StopReason = "cancelled" | "timeout" | "closing";

/** What became of a step so far; shown only when the build is over, as Google does. */
export interface StepRecord {
  status: BuildStatus;
  exitCode?: number;
  timing?: TimeSpan;
  /** Base64 of what the step wrote to `$BUILDER_OUTPUT/output`. */
  output: string;
}

/** One build while it runs. */
export interface BuildRun {
  engine: Engine;
  build: Build;
  files: BuildFiles;
  log: BuildLog;
  /** Aborts with a {@link StopReason}. */
  signal: AbortSignal;
  steps: StepRecord[];
  /** Environment name to value, of the build's available secrets. */
  secrets: Record<string, string>;
  timing: Record<string, TimeSpan>;
  /** The generation of the source that was really used. */
  sourceGeneration?: string;
  artifacts?: { manifest: string; count: number };
}

/** The private folder of a running build (mode 0700). */
export interface BuildFiles {
  root: string;
  /** `/workspace` of Google's steps. */
  workspace: string;
  /** `/builder/home`, the steps' HOME. */
  home: string;
  /** One folder per step, its `BUILDER_OUTPUT`. */
  outputs: string;
  scripts: string;
  log: string;
}

/** Where the files of a build lie. */
export function filesOf(buildsDirectory: string, buildId: string): BuildFiles {
  const root = join(buildsDirectory, buildId);
  return {
    root,
    workspace: join(root, "workspace"),
    home: join(root, "home"),
    outputs: join(root, "outputs"),
    scripts: join(root, "scripts"),
    log: join(root, "log.txt"),
  };
}

/** Creates the folders of a build, open to nobody else. */
export function createFiles(files: BuildFiles): void {
  for (const folder of [files.root, files.workspace, files.home, files.outputs, files.scripts]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
}

/** The end of a build that did not succeed through no fault of the service. */
export class BuildFailure extends Error {
  override readonly name = "BuildFailure";
  readonly type: FailureInfo["type"] | undefined;

  constructor(message: string, options: ErrorOptions & { type?: FailureInfo["type"] } = {}) {
    super(message, options);
    this.type = options.type;
  }
}

/** Runs `work` and records when under `phase` (`FETCHSOURCE`, `BUILD`, `PUSH`), however it ends. */
export async function timed<T>(run: BuildRun, phase: string, work: () => Promise<T>): Promise<T> {
  const { clock } = run.engine.state;
  const startMs = clock.now();
  try {
    return await work();
  } finally {
    run.timing[phase] = spanSince(run, startMs);
  }
}

/** From `startMs` until now. */
export function spanSince(run: BuildRun, startMs: number): TimeSpan {
  return timeSpan(startMs, run.engine.state.clock.now());
}
