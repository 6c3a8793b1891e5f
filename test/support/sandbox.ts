import { mkdtempSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  type AgentProcess,
  launchSandboxed,
  RELAY_SHOWN,
  socketsIn,
} from "../../infra/agent/sandbox/launch.ts";
import { makeFolders } from "../../infra/agent/sandbox/place.ts";
import { readableCopies } from "../../infra/agent/sandbox/readable-copies.ts";
import { removeTree } from "../../infra/agent/sandbox/remove-tree.ts";
import {
  DEFAULT_LIMITS,
  type SandboxLimits,
  type SandboxPlan,
} from "../../infra/agent/sandbox/sandbox.ts";

const PATH = process.env["PATH"] ?? "";
export const ENVIRONMENT = { PATH: "/usr/bin:/bin", MARK: "visible" };

/**
 * Private folders, and a way to start a shell script in them as the agent.
 *
 * @param options.shown further files that the sandbox shows
 */
export async function startSandboxWorld(
  limits: Partial<SandboxLimits> = {},
  { shown = [] }: Partial<Pick<SandboxPlan, "shown">> = {},
) {
  const root = mkdtempSync(join(tmpdir(), "runyard-sandbox-"));
  await chmod(root, 0o711);
  const { hostUser, workspace, home, sockets } = await makeFolders(root, "bubblewrap");
  const all = [...RELAY_SHOWN, ...shown];
  const programs = hostUser === undefined ? all : readableCopies(all, root, () => {});
  const plan: SandboxPlan = {
    workspace,
    home,
    shown: [...programs, { host: sockets, inside: "/run/runyard" }],
    limits: { ...DEFAULT_LIMITS, ...limits },
    ...(hostUser !== undefined && { hostUser }),
  };
  const agents: AgentProcess[] = [];
  const keep = (agent: AgentProcess): AgentProcess => {
    agents.push(agent);
    return agent;
  };
  return {
    root,
    plan,
    sockets,
    keep,
    inside: (script: string) =>
      keep(
        launchSandboxed(
          {
            command: ["/bin/bash", "-c", script],
            directory: "/workspace",
            environment: ENVIRONMENT,
            ...socketsIn("/run/runyard"),
          },
          plan,
          PATH,
        ),
      ),
    async [Symbol.asyncDispose]() {
      for (const agent of agents) await agent.kill();
      await removeTree(root);
    },
  };
}

/** What an agent says until it ends, and how it ends. */
export async function outcomeOf(agent: AgentProcess) {
  agent.stdin.end();
  const [stdout, stderr, end] = await Promise.all([
    text(agent.stdout),
    text(agent.stderr),
    agent.ended,
  ]);
  return { stdout, stderr, end };
}
