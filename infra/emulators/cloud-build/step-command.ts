import { mkdirSync, writeFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import type { BuildStep } from "./build.ts";
import { BuildFailure, type BuildRun } from "./build-run.ts";
import { findImage, type LocalImage } from "./engine.ts";
import { COOKIE } from "./processes.ts";
import type { StepCommand } from "./step-process.ts";
import { substitutionValues } from "./substitutions.ts";

const USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** How the log names a step; a build with one step names none. */
export function stepLabel({ steps }: { steps: readonly BuildStep[] }, index: number): string {
  if (steps.length < 2) return "";
  const id = steps[index]?.id;
  return id ? `Step #${index} - "${id}"` : `Step #${index}`;
}

/**
 * The command that stands for a step's container, its folders made and its script written.
 *
 * @throws {BuildFailure} USER_BUILD_STEP if the image is unknown or `dir` leads out of the
 * workspace.
 */
export function stepCommand(run: BuildRun, step: BuildStep, index: number): StepCommand {
  // Differs: an image is a command of this machine. It sees this machine's files, not the image's,
  // and /workspace and /builder/home exist under other names only: as the working directory and as
  // HOME.
  const image = findImage(run.engine.surroundings.images, step.name);
  if (image === undefined) {
    const label = `build step ${index} "${step.name}"`;
    const cause = "generic::unknown: retry budget exhausted (10 attempts): manifest unknown";
    throw new BuildFailure(`${label} failed: error pulling ${label}: ${cause}`, {
      type: "USER_BUILD_STEP",
    });
  }
  const outputFolder = join(run.files.outputs, String(index));
  mkdirSync(outputFolder, { recursive: true, mode: 0o700 });
  return {
    index,
    argv: argumentVector(run, step, { index, image }),
    cwd: workingDirectory(run, step, index),
    env: {
      ...environment(run, step, image),
      BUILDER_OUTPUT: outputFolder,
      [COOKIE]: `${run.build.id}/${index}`,
    },
    logPrefix: stepLabel(run.build, index),
  };
}

function argumentVector(
  run: BuildRun,
  step: BuildStep,
  { index, image }: { index: number; image: LocalImage },
): string[] {
  if (step.script) {
    const path = join(run.files.scripts, String(index));
    writeFileSync(path, step.script, { mode: 0o700 });
    return step.script.startsWith("#!") ? [path] : ["/bin/sh", path];
  }
  const entrypoint = step.entrypoint ? [step.entrypoint] : image.command;
  return [...entrypoint, ...(step.args ?? [])];
}

/** `dir` under the workspace, made if it is not there; `/workspace/x` means `x`. */
function workingDirectory({ files }: BuildRun, { dir = "" }: BuildStep, index: number): string {
  const inside = relative(
    "/workspace",
    posix.join("/workspace", dir.replace(/^\/workspace\b/, "")),
  );
  if (inside.startsWith("..")) {
    // Differs: Google's step may work anywhere in its container.
    const reason = `dir "${dir}" is outside of the workspace`;
    throw new BuildFailure(`build step ${index} failed: ${reason}`, { type: "USER_BUILD_STEP" });
  }
  const path = join(files.workspace, inside);
  mkdirSync(path, { recursive: true });
  return path;
}

/** What the step's process sees of the environment, and nothing of this process's own. */
function environment(run: BuildRun, step: BuildStep, image: LocalImage): Record<string, string> {
  const { build, files, secrets } = run;
  const names = [...(build.options?.secretEnv ?? []), ...(step.secretEnv ?? [])];
  return {
    PATH: USUAL_PATH,
    ...image.env,
    HOME: files.home,
    ...automapped(run, step),
    ...parseEnv(build.options?.env),
    ...parseEnv(step.env),
    ...Object.fromEntries(names.map((name) => [name, secrets[name] ?? ""])),
  };
}

/** All substitutions as variables, if the step or else the build asks for it. */
function automapped({ build }: BuildRun, step: BuildStep): Record<string, string> {
  if (!(step.automapSubstitutions ?? build.options?.automapSubstitutions ?? false)) return {};
  const [, projectNumber = "", , location = ""] = build.name.split("/");
  const place = { id: build.id, projectId: build.projectId, projectNumber, location };
  return substitutionValues(place, build);
}

function parseEnv(entries: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const separator = entry.indexOf("=");
      return [entry.slice(0, separator), entry.slice(separator + 1)];
    }),
  );
}
