import type { Callers } from "../emulators/wire/callers.ts";
import type { InjectedFaults } from "../emulators/wire/faults.ts";
import type { Ports } from "./ports.ts";
import type { Programs } from "./programs.ts";

/** What `startLocal` is told. */
export interface LocalOptions {
  /** State directory, absolute; taken for this process alone. */
  directory: string;
  /**
   * Ports to listen on. Absent ones take any that is free.
   */
  ports?: Partial<Ports>;
  /** Where builds find the model's API, and the key that they get for it. */
  model: { url: string; key: string };
  /** How the runner keeps agents apart. */
  sandbox: "bubblewrap" | "none";
  /** The one prompt that runs where there is no sandbox: unconfined. Default: none does. */
  onlyPrompt?: string;
  /** Builds that run at a time; the others wait. Default: Cloud Build's smallest quota, 10. */
  concurrentBuilds?: number;
  /** Variables of `functions/config.ts` beside those that are set here. */
  settings?: Record<string, string>;
  /**
   * Variables of the processes of functions and builds that win over those that are set here, for
   * whoever puts something in between. Default: none.
   */
  variables?: { functions?: Record<string, string>; builds?: Record<string, string> };
  /**
   * What serves the functions, and what a build runs. Default: those of the sources, bundled if
   * that can be.
   */
  programs?: Programs | undefined;
  /** Receives what the functions print, line by line. */
  onLog?(target: string, line: string): void;
  /** Gives up a start that is under way. Default: nothing does. */
  signal?: AbortSignal;
  /** What goes wrong in the four services, from their start on. Default: nothing. */
  faults?: InjectedFaults;
  /**
   * What functions and builds may call of the services, by the names of functions and `build`.
   * Default: everything.
   */
  callers?: Callers;
}
