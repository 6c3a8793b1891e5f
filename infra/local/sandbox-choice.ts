import { spawnSync } from "node:child_process";

export type SandboxMode = "bubblewrap" | "none";

/** How agents are kept apart, and the remark that a person should read about it. */
export interface SandboxChoice {
  mode: SandboxMode;
  remark: string;
}

/**
 * Chooses the sandbox. Without bubblewrap a real model's agent needs an explicit `none`; the scripted one
 * runs anyway and says so.
 *
 * @throws {Error} that says what to install or to opt in to
 */
export function chooseSandbox(asked: SandboxMode | undefined, live: boolean): SandboxChoice {
  if (asked === "none") return { mode: "none", remark: "NONE, as asked: agents run as you" };
  const fault = bubblewrapFault();
  if (fault === undefined) return { mode: "bubblewrap", remark: "bubblewrap" };
  if (asked === undefined && !live) {
    return { mode: "none", remark: `NONE (${fault}); the offline model does no harm` };
  }
  throw new Error(
    `no sandbox: ${fault}. Install bubblewrap (Debian: apt-get install bubblewrap), or let agents run as you with --sandbox none`,
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
