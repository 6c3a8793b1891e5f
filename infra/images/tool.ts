import { spawnSync } from "node:child_process";
import { Failure } from "../../cli/failure.ts";

/** What builds images here. */
export interface Tool {
  name: "Docker" | "buildah";
  version: string;
}

/** What to build. */
export interface Order {
  file: string;
  /** A stage of the file. */
  target?: string;
  context: string;
  /** The image's name. */
  tag: string;
  arguments?: Record<string, string>;
  labels?: Record<string, string>;
  /** Folders that stand for stages. */
  contexts?: Record<string, string>;
  /** When everything was made, in seconds since 1970: the same sources make the same image. */
  epoch: number;
  /** Every base is here, and commands run without a container of their own. Default: no. */
  isLocal?: boolean;
}

/** What both build for: Cloud Run's and Cloud Build's machines. */
const PLATFORM = "linux/amd64";

/** @returns what a program says, or why it does not */
function ask(program: string, args: string[]): { said: string } | { fault: string } {
  const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error !== undefined) return { fault: "is not installed" };
  const [line = ""] = stderr.trim().split("\n").slice(-1);
  return status === 0 ? { said: stdout.trim() } : { fault: line || `ends with ${status}` };
}

/**
 * Finds what builds images: a Docker whose engine answers, else buildah.
 *
 * @param wanted the only one to look for; default: either
 * @throws {Failure} that says why neither does
 */
export function findTool(wanted?: Tool["name"]): Tool {
  const faults: string[] = [];
  if (wanted !== "buildah") {
    const docker = ask("docker", ["version", "--format", "{{.Server.Version}}"]);
    if ("said" in docker) return { name: "Docker", version: docker.said };
    faults.push(`docker: ${docker.fault}`);
  }
  if (wanted !== "Docker") {
    const buildah = ask("buildah", ["--version"]);
    if ("said" in buildah) return { name: "buildah", version: buildah.said.split(" ")[2] ?? "" };
    faults.push(`buildah: ${buildah.fault}`);
  }
  throw new Failure(
    `nothing here builds images (${faults.join("; ")}). Start Docker, or install buildah (Debian: apt-get install buildah)`,
  );
}

const options = (option: string, values: Record<string, string> = {}): string[] =>
  Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`]);

/** The command that builds. */
export function buildCommand({ name }: Tool, order: Order): string[] {
  const { file, target, context, tag, epoch, isLocal = false } = order;
  const shared = [
    ...["--platform", PLATFORM, "--file", file, "--tag", tag],
    ...(target === undefined ? [] : ["--target", target]),
    ...options("--build-arg", order.arguments),
    ...options("--label", order.labels),
    ...options("--build-context", order.contexts),
    context,
  ];
  if (name === "Docker") {
    return ["docker", "build", "--build-arg", `SOURCE_DATE_EPOCH=${epoch}`, ...shared];
  }
  const own = isLocal ? ["--no-cache", "--isolation", "chroot", "--pull-never"] : ["--layers"];
  return ["buildah", "bud", "--force-rm", "--timestamp", String(epoch), ...own, ...shared];
}

/** Commands that make a container of an image, run `argv` in it as root, and remove it. */
export function insideCommands({ name }: Tool, image: string, argv: readonly string[]) {
  if (name === "Docker") {
    const [program = "", ...args] = argv;
    const run = ["docker", "run", "--rm", "--user", "0", "--entrypoint", program, image, ...args];
    return { run };
  }
  const container = `runyard-${process.pid}`;
  return {
    make: ["buildah", "from", "--pull-never", "--name", container, image],
    run: ["buildah", "run", "--isolation", "chroot", "--user", "0", container, "--", ...argv],
    remove: ["buildah", "rm", container],
  };
}
