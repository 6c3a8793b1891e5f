import { spawnSync } from "node:child_process";

export type SandboxMode = "bubblewrap" | "none";

/** How agents are kept apart, and the remark that a person should read about it. */
export interface SandboxChoice {
  mode: SandboxMode;
  /** The one prompt that may run, as the user; absent: all may, in `mode`. */
  onlyPrompt?: string;
  remark: string;
}

const MEND = "install bubblewrap (Debian: apt-get install bubblewrap)";

/**
 * Chooses the sandbox. Without bubblewrap agents need an explicit `none`: until then the server
 * runs nothing but its own sample, whose script executes no command; a real model's server does not
 * start.
 *
 * @param choice.asked what the command line says
 * @throws {Error} that says what to install or to opt in to
 */
export function chooseSandbox({
  asked,
  live,
  samplePrompt,
}: {
  asked: SandboxMode | undefined;
  live: boolean;
  samplePrompt: string;
}): SandboxChoice {
  if (asked === "none") return { mode: "none", remark: "NONE, as asked: agents run as you" };
  const fault = bubblewrapFault();
  if (fault === undefined) return { mode: "bubblewrap", remark: "bubblewrap" };
  if (asked === undefined && !live) {
    const remark = `NONE (${fault}): only the built-in sample runs, as you. To run more ${MEND}, or let agents run as you with npx runyard start --sandbox none`;
    return { mode: "bubblewrap", onlyPrompt: samplePrompt, remark };
  }
  throw new Error(
    `no sandbox: ${fault}. To mend it ${MEND}, or let agents run as you with --sandbox none`,
  );
}

/** Why bubblewrap cannot be used here; undefined if it can. */
function bubblewrapFault(): string | undefined {
  const args = ["--unshare-all", "--ro-bind", "/", "/", "true"];
  const probe = spawnSync("bwrap", args, { encoding: "utf8", timeout: 10_000 });
  if (probe.status === 0) return undefined;
  const missing = (probe.error as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
  return missing ? "bubblewrap is not installed" : `bubblewrap fails: ${probe.stderr?.trim()}`;
}
