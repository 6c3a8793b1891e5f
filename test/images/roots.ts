import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { IMAGES } from "../../infra/images/build.ts";

type ImageName = keyof typeof IMAGES;

/**
 * What an image says of itself. @see
 * https://github.com/opencontainers/image-spec/blob/main/config.md
 */
interface Config {
  User?: string;
  Env: string[];
  Entrypoint: string[];
  WorkingDir: string;
  Labels: Record<string, string>;
}

/** The root of an image as a folder, which a container of its own may change. */
export interface Root extends Disposable {
  folder: string;
  config: Config;
  /** Words of a command that runs the image's entrypoint in it. */
  entrypoint: string[];
}

const ENTER = join(import.meta.dirname, "enter.sh");

/** @throws {Error} if `npm run images` has not built it with buildah, or this is not root */
export function openRoot(name: ImageName): Root {
  if (process.getuid?.() !== 0) throw new Error("only root can enter the root of an image");
  const { tag } = IMAGES[name];
  const container = `runyard-test-${name}-${process.pid}`;
  const inspected = buildah("inspect", "--type", "image", tag);
  const { config } = (JSON.parse(inspected) as { OCIv1: { config: Config } }).OCIv1;
  buildah("from", "--pull-never", "--name", container, tag);
  const folder = buildah("mount", container).trim();
  return {
    folder,
    config,
    entrypoint: enter(folder, config, name === "runner"),
    [Symbol.dispose]: () => void buildah("rm", container),
  };
}

const buildah = (...args: string[]): string => execFileSync("buildah", args, { encoding: "utf8" });

/**
 * As Cloud Build and Cloud Run do it: a step is the first of its processes. A function is not,
 * here: it is told to end, and whoever makes somebody the first hands no signal on.
 */
function enter(folder: string, { User = "0", ...config }: Config, isStep: boolean): string[] {
  const [user = ""] = User.split(":");
  return [
    ...["unshare", "--mount", "--propagation=private"],
    ...(isStep ? ["--pid", "--fork", "--kill-child"] : []),
    ...["sh", ENTER, folder, user, config.WorkingDir || "/"],
    ...["env", ...config.Env, ...config.Entrypoint],
  ];
}
