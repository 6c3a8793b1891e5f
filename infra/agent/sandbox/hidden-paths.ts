import { existsSync, realpathSync } from "node:fs";
import { wayTo } from "./host-user.ts";

/**
 * A folder that every machine has and nothing of ours lies in: the mounts that lead there are
 * private.
 */
const MEETING_PLACES = ["/mnt", "/media", "/srv", "/opt"];

/**
 * Makes each of `$2`, `$3`, … up to `--` appear as `$1/0`, `$1/1`, … for what is run then: the
 * words after `--`. The mounts are seen by nobody else. No variable of the shell's own goes on.
 */
const SCRIPT = `set -e
place=$1 number=0
shift
mount -t tmpfs -o mode=0755,nosuid,nodev,size=1m runyard "$place"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$place/$number"; else : > "$place/$number"; fi
  mount --rbind "$1" "$place/$number"
  number=$((number + 1))
  shift
done
shift
exec env -i "$@"
`;

/** Paths of the machine that a sandbox shows. */
interface Showing {
  workspace: string;
  home: string;
  shown: readonly { host: string; inside: string }[];
}

interface Reachable<P> {
  plan: P;
  /** Words that stand before a command; it then finds what the plan names. Made by root. */
  mounts(program: (name: string) => string): string[];
}

/**
 * The plan with paths that `user` can reach. What lies below a folder that this user may not pass,
 * such as `/root`, is mounted elsewhere before root is given up.
 */
export function makeReachable<P extends Showing>(plan: P, user: number): Reachable<P> {
  const hidden: string[] = [];
  const open: string[] = [];
  const see = (path: string): string => {
    const way = wayTo(path, user);
    if (way.isOpen) open.push(way.path);
    else if (!hidden.includes(way.path)) hidden.push(way.path);
    return way.path;
  };
  const hosts = [plan.workspace, plan.home, ...plan.shown.map(({ host }) => host)].map(see);
  if (hidden.length === 0) return { plan, mounts: () => [] };
  const place = MEETING_PLACES.find(
    (folder) =>
      existsSync(folder) && !open.some((path) => `${path}/`.startsWith(`${realpathSync(folder)}/`)),
  );
  if (place === undefined) throw new Error(`no folder is free of ${MEETING_PLACES.join(", ")}`);
  const seen = (path: string): string => {
    const index = hidden.indexOf(path);
    return index < 0 ? path : `${place}/${index}`;
  };
  const [workspace = "", home = "", ...shown] = hosts.map(seen);
  return {
    plan: {
      ...plan,
      workspace,
      home,
      shown: plan.shown.map(({ inside }, index) => ({ host: shown[index] ?? "", inside })),
    },
    mounts: (program) => [
      ...[program("unshare"), "--mount", "--propagation", "private", "--"],
      ...[program("sh"), "-c", SCRIPT, "sh", place, ...hidden, "--"],
    ],
  };
}
