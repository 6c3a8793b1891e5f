import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { CreateRun } from "../client/types.ts";
import { systemReason, usageFault } from "./failure.ts";
import { oneLine } from "./terminal.ts";
import { secondsOf } from "./text.ts";

/** Settings of an agent, as a request has them. */
export type Settings = Extract<CreateRun["agent"], { settings: object }>["settings"];

export interface SettingsFlags {
  model?: string;
  budget?: string;
  timeout?: string;
  maxTurns?: string;
  repo?: string;
  ref?: string;
  credential?: string;
  submodules?: boolean;
  lfs?: boolean;
  path?: string[];
  schema?: string;
  settings?: string;
}

/** Gives a command the options that say how its agent is set up. */
export function withSettings(command: Command): Command {
  return command
    .optionsGroup("The agent's settings:")
    .option("--model <NAME>", "the model's name or alias")
    .option("--budget <USD>", "what it may spend")
    .option("--timeout <TIME>", "how long it may work: 90s, 10m, 2h")
    .option("--max-turns <N>", "turns of the model after which it is stopped")
    .option("--repo <URL>", "the repository that it begins with, https://…")
    .option("--ref <REF>", "the repository's branch, tag or commit")
    .option(
      "--credential <SECRET>",
      "a private one's: projects/P/secrets/S/versions/V, or github-app",
    )
    .option("--submodules", "the repository's submodules as well")
    .option("--lfs", "the repository's files of Git LFS as well")
    .option("--path <FOLDER>", "only this folder of it; may be said several times", gathered)
    .option("--schema <FILE>", "JSON Schema that its output must satisfy (- for standard input)")
    .option("--settings <FILE>", "all other settings, as a JSON object (- for standard input)")
    .optionsGroup("Options:");
}

/**
 * The settings that were said; undefined if none were.
 *
 * @throws {Failure} that names the option that is wrong
 */
export function settingsOf(flags: SettingsFlags): Settings | undefined {
  const { model, budget, timeout, maxTurns, schema } = flags;
  const settings: Settings = {
    ...(flags.settings !== undefined && jsonObject("--settings", flags.settings)),
    ...(model !== undefined && { model }),
    ...(budget !== undefined && { maxBudgetUsd: amount(budget) }),
    ...(timeout !== undefined && { timeoutSeconds: seconds(timeout) }),
    ...(maxTurns !== undefined && { maxTurns: count("--max-turns", maxTurns) }),
    ...repositoryOf(flags),
    ...(schema !== undefined && { outputSchema: jsonObject("--schema", schema) }),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
}

/** How `--credential` says the operator's App. */
const GITHUB_APP = "github-app";

/** What options say of `--repo`. */
const OF_REPOSITORY = {
  ref: "names a branch, tag or commit of",
  credential: "says what opens",
  submodules: "are those of",
  lfs: "is about files of",
  path: "names a folder of",
} as const;

function repositoryOf(flags: SettingsFlags): Pick<Settings, "repository"> {
  const { repo: url, ref, credential: opener, submodules, lfs, path: paths } = flags;
  if (url === undefined) {
    for (const [name, what] of Object.entries(OF_REPOSITORY)) {
      if (flags[name as keyof typeof OF_REPOSITORY] === undefined) continue;
      throw usageFault(`--${name} ${what} --repo: say that too`);
    }
    return {};
  }
  return {
    repository: {
      url,
      ...(ref !== undefined && { ref }),
      ...(opener !== undefined && {
        credential: opener === GITHUB_APP ? { githubApp: true } : { secret: opener },
      }),
      ...(submodules && { submodules }),
      ...(lfs && { lfs }),
      ...(paths && { paths }),
    },
  };
}

function amount(text: string): number {
  if (/^\$?\d+(\.\d+)?$/.test(text)) return Number(text.replace("$", ""));
  throw usageFault(`--budget ${oneLine(text)} is no amount; say it in USD, as 2.50`);
}

function seconds(text: string): number {
  const value = secondsOf(text);
  if (value !== undefined) return value;
  throw usageFault(`--timeout ${oneLine(text)} is no time; say 90s, 10m or 2h`);
}

/** @throws {Failure} if it is no whole number */
export function count(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usageFault(`${flag} ${oneLine(text)} is no whole number`);
}

/**
 * A file's text, or standard input's.
 *
 * @throws {Failure} if it cannot be read
 */
export function fileText(flag: string, file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw usageFault(`${flag} ${oneLine(file)} cannot be read: ${systemReason(error)}`, error);
  }
}

/** @throws {Failure} if the file holds no JSON object */
export function jsonObject(flag: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(fileText(flag, file));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw usageFault(`${flag} ${oneLine(file)} is not JSON: ${oneLine(error.message)}`, error);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw usageFault(`${flag} ${oneLine(file)} must hold a JSON object`);
}

/** Takes `--label a=b` several times. */
export function labelOption(command: Command): Command {
  return command.option("--label <KEY=VALUE>", "a label; may be said several times", collected, []);
}

/** Of one that may be said several times, and without which there is no list. */
export const gathered = (value: string, before: string[] = []): string[] => [...before, value];

/** Of an option that may be said several times. */
export const collected = (value: string, before: string[]): string[] => [...before, value];

/** @throws {Failure} that names the label that is none */
export function labelsOf(labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    labels.map((label) => {
      const at = label.indexOf("=");
      if (at > 0) return [label.slice(0, at), label.slice(at + 1)];
      throw usageFault(`--label ${oneLine(label)} is no label; say it as team=docs`);
    }),
  );
}

/** Gives a command `--json`. */
export function withJson(command: Command, what: string): Command {
  return command.option(
    "--json [FIELDS]",
    `${what} as JSON, a line each; --json=a,b: these fields`,
  );
}
