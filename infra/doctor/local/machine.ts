import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { installedClaudeCode } from "../../agent/engines/claude-code/command.ts";
import { repositoryFile } from "../../local/programs.ts";
import { chooseSandbox } from "../../local/sandbox-choice.ts";
import { fault, type Look, ok, warning } from "../check.ts";

const START_MS = 30_000;

/** The Node that runs this, against what the package asks for. */
export function lookAtNode(): Look {
  const { engines } = JSON.parse(readFileSync(repositoryFile("package.json"), "utf8")) as {
    engines: { node: string };
  };
  return nodeLook(process.versions.node, engines.node);
}

/** @param wanted as `>=24.12` */
export function nodeLook(version: string, wanted: string): Look {
  const oldest = wanted.replace(">=", "");
  const [major = 0, minor = 0] = numbersOf(version);
  const [leastMajor = 0, leastMinor = 0] = numbersOf(oldest);
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  const found = `Node ${version}; ${oldest} or newer is needed`;
  return isEnough ? ok(found) : fault(found);
}

const numbersOf = (version: string): number[] => version.split(".").map(Number);

export const lookAtPlatform = (): Look => platformLook(process.platform, process.arch);

export function platformLook(platform: string, arch: string): Look {
  const found = `${platform} ${arch}`;
  if (platform === "linux") return ok(found);
  if (platform === "darwin") return warning(`${found}: the sandbox needs Linux, agents run as you`);
  return fault(`${found}: serving needs Linux or macOS`, "use Linux, or a virtual machine with it");
}

export function lookAtGit(): Look {
  const said = saidBy("git", ["--version"]);
  return said === undefined ? fault("git is not there, or does not start") : ok(said);
}

/** Chooses as `npm start` does, which starts a sandbox to see whether one can be. */
export function lookAtSandbox(): Look {
  const { remark, onlyPrompt } = chooseSandbox({ asked: undefined, live: false, samplePrompt: "" });
  if (onlyPrompt === undefined) return ok(`${remark}, and one starts`);
  const isThere = saidBy("bwrap", ["--version"]) !== undefined;
  return warning(remark, isThere ? namespacesRemedy(kernelSetting) : undefined);
}

/** Settings of the kernel that keep a user from making namespaces, and what they must be. */
const NAMESPACES = [
  { name: "kernel.apparmor_restrict_unprivileged_userns", closed: "1", open: "0" },
  { name: "kernel.unprivileged_userns_clone", closed: "0", open: "1" },
  { name: "user.max_user_namespaces", closed: "0", open: "10000" },
];

/** What lets an installed bubblewrap start, as far as the kernel says what is in its way. */
export function namespacesRemedy(read: (name: string) => string | undefined): string {
  const closed = NAMESPACES.find(({ name, closed }) => read(name) === closed);
  if (closed !== undefined) return `sudo sysctl -w ${closed.name}=${closed.open}`;
  return "let this user, or this container, make user namespaces";
}

function kernelSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Finds it as a run does, and has it start. @throws if its package is missing */
export function lookAtClaudeCode(): Look {
  const { folder, program, version } = installedClaudeCode();
  const said = saidBy(join(folder, program), ["--version"]);
  return said === undefined
    ? fault(`Claude Code ${version} is installed in ${folder}, and does not start`)
    : ok(said);
}

/** The first line that a program prints; undefined if it does not start or fails. */
function saidBy(program: string, args: string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", timeout: START_MS });
  return status === 0 ? stdout.trim().split("\n")[0] : undefined;
}
