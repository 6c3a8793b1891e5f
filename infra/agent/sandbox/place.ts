import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, realpath, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ResolvedAgent } from "../../../shared/agent/settings.ts";
import { newHostUser } from "./host-user.ts";
import { RELAY_SHOWN, socketsIn } from "./launch.ts";
import { readableCopies } from "./readable-copies.ts";
import { removeTree } from "./remove-tree.ts";
import { DEFAULT_LIMITS, INSIDE, type SandboxPlan } from "./sandbox.ts";

/** The installed command line. */
export interface Installed {
  name: string;
  version: string;
  /** Folder of its program, which is all it needs. */
  folder: string;
  /** The program's name in that folder. */
  program: string;
}

/** Where the agent will find things; paths as it sees them. */
export interface AgentPlace {
  program: string;
  home: string;
  temporary: string;
  /** Present when the agent has instructions. */
  instructionsFile?: string;
  /** Present when the agent has MCP servers. */
  mcpConfigFile?: string;
  path: string;
  /** It runs as root without a sandbox, which Claude Code refuses unless it is told. */
  isUnconfinedRoot: boolean;
}

/** How an agent is kept apart from the machine. */
export type Isolation = "bubblewrap" | "none";

/** The private folders of one attempt on this machine. */
export interface Folders {
  root: string;
  /** The user of the machine that the sandbox is made as; absent: the runner's. */
  hostUser?: number;
  /** The agent writes in these three only. */
  workspace: string;
  home: string;
  temporary: string;
  sockets: string;
  /** Ours: the repository of states, and the outputs. */
  git: string;
  outputs: string;
  /** What the sandbox shows of ours. */
  files: string;
}

const AGENT_FOLDER = "/opt/agent";
const SOCKETS_INSIDE = "/run/runyard";
const PATH_INSIDE = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const PASSWD = `root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:${INSIDE.home}:/bin/bash\n`;
const GROUP = "root:x:0:\nagent:x:1000:\n";
const HOSTS = "127.0.0.1 localhost build\n::1 localhost\n";

/** Makes the private folders below `parent`; nobody else on the machine may enter them. */
export async function makeFolders(parent: string, isolation: Isolation): Promise<Folders> {
  const root = await realpath(await mkdtemp(join(parent, "runyard-")));
  const hostUser = isolation === "bubblewrap" ? newHostUser() : undefined;
  // The sandbox's user passes, and sees what the modes below allow; everybody else stays outside.
  if (hostUser !== undefined) await chown(root, 0, hostUser);
  await chmod(root, hostUser === undefined ? 0o700 : 0o710);
  const names = ["workspace", "home", "temporary", "sockets", "git", "outputs", "files"] as const;
  const entries = names.map((name) => [name, join(root, name)] as const);
  for (const [name, path] of entries) if (name !== "git") await makeFolder(path, MODES[name]);
  const folders = Object.fromEntries(entries) as Omit<Folders, "root" | "hostUser">;
  await takeBallast({ root });
  if (hostUser === undefined) return { root, ...folders };
  await giveTo(hostUser, folders.workspace, folders.home);
  return { root, hostUser, ...folders };
}

const BALLAST = "ballast";
const MEBIBYTE = 1024 ** 2;
const BALLAST_BYTES = 64 * MEBIBYTE;
/** Of the room that there is, no more than this share. */
const BALLAST_SHARE = 1 / 8;

/** Takes some room of the disk: an agent that fills it leaves enough to keep what it made. */
export async function takeBallast({ root }: Pick<Folders, "root">): Promise<void> {
  const { bavail, bsize } = await statfs(root);
  const size = Math.floor(Math.min(BALLAST_BYTES, bavail * bsize * BALLAST_SHARE));
  // Random bytes: a file system may keep nothing of zeros. One piece again and again, which costs a
  // fraction of the time, and is further apart than what a file system compresses at once.
  const piece = randomBytes(Math.min(size, MEBIBYTE));
  const pieces = Array.from({ length: Math.floor(size / piece.length) }, () => piece);
  await writeFile(join(root, BALLAST), pieces, { mode: 0o600 }).catch(() => {});
}

/** Gives that room back. Call only when the agent has ended. */
export async function freeBallast({ root }: Folders): Promise<void> {
  await rm(join(root, BALLAST), { force: true });
}

/** Modes of the folders that the sandbox's user may enter; the others are the runner's alone. */
const MODES: Partial<Record<keyof Folders, number>> = {
  workspace: 0o755,
  home: 0o755,
  sockets: 0o755,
  files: 0o755,
};

/** Whatever the umask is. */
async function makeFolder(path: string, mode = 0o700): Promise<void> {
  await mkdir(path);
  await chmod(path, mode);
}

/** Makes folders the property of the sandbox's user. */
async function giveTo(user: number, ...folders: string[]): Promise<void> {
  for (const folder of folders) await chown(folder, user, user);
}

/** Makes the workspace anew, empty. */
export async function clearWorkspace({ workspace, hostUser }: Folders): Promise<void> {
  await removeTree(workspace);
  await makeFolder(workspace, MODES.workspace);
  if (hostUser !== undefined) await giveTo(hostUser, workspace);
}

/** Removes the private folders, whatever an agent did in them; says what it could not remove. */
export async function removeFolders({ root }: Folders, log: (line: string) => void): Promise<void> {
  const fault = await removeTree(root);
  if (fault !== undefined) log(fault);
}

/** Where the agent finds its things, and the sandbox that shows them, if there is one. */
export interface Arrangement {
  place: AgentPlace;
  directory: string;
  sockets: { modelSocket: string; egressSocket: string };
  /** One script per setup command, in their order, as the agent sees them, */
  setupFiles: string[];
  /** … and per check. */
  checkFiles: string[];
  /** Absent without isolation. */
  plan?: SandboxPlan;
}

interface Wanted {
  isolation: Isolation;
  installed: Installed;
  agent: Pick<ResolvedAgent, "instructions" | "mcpServers" | "setupCommands" | "checks">;
  /** The runner's own `PATH`, used without isolation. */
  path: string;
  /** See `RunnerOptions`. */
  memoryBytes: number;
  log(line: string): void;
}

/** Makes the agent's files and says where it will find them. */
export async function arrange(folders: Folders, wanted: Wanted): Promise<Arrangement> {
  const files = filesOf(wanted.agent);
  await writeFiles(folders.files, files);
  return wanted.isolation === "bubblewrap"
    ? arrangeInside(folders, wanted, Object.keys(files))
    : arrangeOutside(folders, wanted);
}

const INSTRUCTIONS = "instructions.txt";
const MCP_CONFIG = "mcp.json";
const setupFile = (index: number) => `setup-${index + 1}.sh`;
const checkFile = (index: number) => `check-${index + 1}.sh`;

/** Texts of the request that reach the agent as files, by their names. */
function filesOf({ instructions, mcpServers, setupCommands = [], checks = [] }: Wanted["agent"]) {
  const setup = setupCommands.map((command, index) => [setupFile(index), scriptOf(command)]);
  const check = checks.map(({ command }, index) => [checkFile(index), scriptOf(command)]);
  return {
    ...(instructions && { [INSTRUCTIONS]: instructions }),
    ...(mcpServers && { [MCP_CONFIG]: JSON.stringify({ mcpServers }) }),
    ...(Object.fromEntries([...setup, ...check]) as Record<string, string>),
  };
}

/** What was written on Windows: bash takes the carriage return for a part of the last word. */
const scriptOf = (command: string): string => `${command}\n`.replaceAll("\r\n", "\n");

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), content);
    // Whatever the umask is: the sandbox's user may be another.
    await chmod(join(folder, name), 0o644);
  }
}

/** Where the files of {@link filesOf} are, when they lie in `folder`. */
function filePlaces(folder: string, agent: Wanted["agent"]) {
  const { instructions, mcpServers, setupCommands = [], checks = [] } = agent;
  return {
    ...(instructions && { instructionsFile: join(folder, INSTRUCTIONS) }),
    ...(mcpServers && { mcpConfigFile: join(folder, MCP_CONFIG) }),
    setupFiles: setupCommands.map((_, index) => join(folder, setupFile(index))),
    checkFiles: checks.map((_, index) => join(folder, checkFile(index))),
  };
}

function arrangeOutside(folders: Folders, { installed, agent, path }: Wanted): Arrangement {
  const { setupFiles, checkFiles, ...files } = filePlaces(folders.files, agent);
  return {
    place: {
      program: join(installed.folder, installed.program),
      home: folders.home,
      temporary: folders.temporary,
      path,
      isUnconfinedRoot: process.getuid?.() === 0,
      ...files,
    },
    directory: folders.workspace,
    sockets: socketsIn(folders.sockets),
    setupFiles,
    checkFiles,
  };
}

async function arrangeInside(
  folders: Folders,
  { installed, agent, memoryBytes, log }: Wanted,
  names: readonly string[],
): Promise<Arrangement> {
  const etc = { passwd: PASSWD, group: GROUP, hosts: HOSTS };
  await writeFiles(folders.files, etc);
  const show = (name: string, parent: string) => ({
    host: join(folders.files, name),
    inside: `${parent}/${name}`,
  });
  const { workspace, home, hostUser } = folders;
  const programs = [...RELAY_SHOWN, { host: installed.folder, inside: AGENT_FOLDER }];
  const shown = [
    ...(hostUser === undefined ? programs : readableCopies(programs, folders.files, log)),
    ...Object.keys(etc).map((name) => show(name, "/etc")),
    ...names.map((name) => show(name, INSIDE.runyard)),
    { host: folders.sockets, inside: SOCKETS_INSIDE },
  ];
  const { setupFiles, checkFiles, ...files } = filePlaces(INSIDE.runyard, agent);
  return {
    place: {
      program: `${AGENT_FOLDER}/${installed.program}`,
      home: INSIDE.home,
      temporary: INSIDE.temporary,
      path: PATH_INSIDE,
      isUnconfinedRoot: false,
      ...files,
    },
    directory: INSIDE.workspace,
    sockets: socketsIn(SOCKETS_INSIDE),
    setupFiles,
    checkFiles,
    plan: {
      workspace,
      home,
      shown,
      limits: { ...DEFAULT_LIMITS, memoryBytes },
      ...(hostUser !== undefined && { hostUser }),
    },
  };
}
