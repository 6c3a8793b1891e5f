import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installedClaudeCode } from "../../../../infra/agent/engines/claude-code/command.ts";
import type { RepositoryAccess } from "../../../../infra/agent/repository/upstream.ts";
import type { Helper } from "../../../../infra/agent/sandbox/helper.ts";
import {
  launchSandboxed,
  launchUnconfined,
  socketsIn,
} from "../../../../infra/agent/sandbox/launch.ts";
import { arrange, type Isolation, makeFolders } from "../../../../infra/agent/sandbox/place.ts";
import {
  type CheckedOut,
  type CheckoutFailure,
  checkOut,
} from "../../../../infra/agent/workspace/checkout.ts";
import type { Mirrors } from "../../../../infra/agent/workspace/mirrors.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { startGitServer } from "./git-server.ts";

const PATH = process.env["PATH"] ?? "";

/** The sandbox's user owns the workspace. */
const ANYBODYS = {
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "safe.directory",
  GIT_CONFIG_VALUE_0: "*",
};

interface Mirrored {
  url?: string;
  ref?: string;
  credential?: string | undefined;
}

/** An empty workspace, and git apart from the machine. */
export async function startWorld(isolation: Isolation = "none") {
  const server = await startGitServer();
  const root = mkdtempSync(join(tmpdir(), "runyard-checkout-"));
  const folders = await makeFolders(root, isolation);
  const memoryBytes = 4 * 1024 ** 3;
  const wanted = {
    isolation,
    installed: installedClaudeCode(),
    agent: {},
    path: PATH,
    memoryBytes,
    log: () => {},
  };
  const { place, directory, sockets, plan } = await arrange(folders, wanted);
  const terminated = new AbortController();
  const helper: Helper = {
    path: place.path,
    temporary: place.temporary,
    clock: systemClock,
    terminated: terminated.signal,
    isCancelled: async () => false,
    log: () => {},
    patience: {
      deadlineMs: 60_000,
      idleMs: 60_000,
      graceMs: 100,
      lingerMs: 100,
      cancelPollMs: 1000,
      memoryBytes,
      processes: 100,
      diskBytes: Number.POSITIVE_INFINITY,
    },
    launch(command, environment) {
      const placed = { command, environment, directory, ...sockets };
      return plan ? launchSandboxed(placed, plan, PATH) : launchUnconfined(placed, {});
    },
  };
  const { egressSocket } = socketsIn(folders.sockets);
  const { workspace } = folders;
  const options = (access: RepositoryAccess) => ({
    ...{
      helper,
      egressSocket,
      access,
      workspace,
      until: helper.clock.now() + helper.patience.deadlineMs,
    },
  });
  return {
    server,
    helper,
    root,
    terminated,
    at: (name: string) => join(folders.workspace, name),
    read: (name: string) => readFileSync(join(folders.workspace, name), "utf8"),
    has: (name: string) => existsSync(join(folders.workspace, name)),
    /** What a command prints that is run in the workspace, with git as an agent has it. */
    inside: (command: string): string =>
      execFileSync("sh", ["-c", command], {
        cwd: folders.workspace,
        env: { PATH, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", ...ANYBODYS },
      }).toString(),
    /** Empties the workspace. */
    async empty() {
      for (const name of readdirSync(folders.workspace)) {
        await rm(join(folders.workspace, name), { recursive: true });
      }
    },
    async checkOut(ref: string, url = server.url, access = server.access) {
      const isPrivate = access.credential !== undefined;
      const wanted = { url, ref, isPrivate, hasLfs: false };
      const done = await checkOut(wanted, options(access));
      return "failedStep" in done ? done : done.commit;
    },
    /** With mirrors. */
    checkOutMirrored(mirrors: Mirrors, { url = server.url, ref = "HEAD", credential }: Mirrored) {
      const wanted = { url, ref, isPrivate: credential !== undefined, hasLfs: false };
      return checkOut(wanted, { ...options({ ...server.access, credential }), mirrors });
    },
    /** Folders alone, with files of Git LFS. */
    checkOutPaths(paths: readonly string[], url = server.url) {
      const wanted = { url, ref: "HEAD", isPrivate: false, hasLfs: true, paths };
      return checkOut(wanted, options(server.access));
    },
    /** With files of Git LFS. */
    checkOutLfs(url = server.url, access = server.access) {
      const isPrivate = access.credential !== undefined;
      const wanted = { url, ref: "HEAD", isPrivate, hasLfs: true };
      return checkOut(wanted, options(access));
    },
    /** With submodules, and their files of Git LFS. @returns what is missing. */
    async checkOutAll(
      url: string,
      access = server.access,
      { hosts: submoduleHosts = [], opened = [] }: { hosts?: string[]; opened?: string[] } = {},
    ) {
      const isPrivate = access.credential !== undefined;
      const wanted = { url, ref: "HEAD", isPrivate, submoduleHosts, opened, hasLfs: true };
      const done = await checkOut(wanted, options(access));
      if ("failedStep" in done) throw new Error(done.error ?? "");
      return done.notes;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    },
  };
}

/** Why a checkout failed. */
export const fault = (failure: string | CheckedOut | CheckoutFailure): string => {
  if (typeof failure === "string") throw new Error(`checked out ${failure}`);
  if ("commit" in failure) throw new Error(`checked out ${failure.commit}`);
  expect(failure).toMatchObject({ failedStep: "checkout", stoppedBy: null });
  return failure.error ?? "";
};
