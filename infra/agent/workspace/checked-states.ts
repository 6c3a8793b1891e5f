import { changesBetween, commandsOf, commit, refOf } from "./git.ts";
import {
  type Known,
  type LeftState,
  type Recorded,
  recordState,
  type States,
} from "./git-states.ts";

/**
 * Records what the agent leaves. Call only when nothing of it is left.
 *
 * @returns the states as they count: see {@link withoutChecks}.
 */
export async function recordLeft(states: States): Promise<States> {
  await recordState(states, "after");
  return withoutChecks(states);
}

/**
 * Records what checks have made of what the agent left, for an agent that goes on from there: none
 * of it is the agent's. Call only after {@link recordLeft}, and when nothing of the checks is left.
 */
export async function recordChecked(states: States): Promise<void> {
  const left = await remember(await withoutChecks(states), "left");
  await recordState(states, "after");
  states.checked = { left, found: await remember(states, "checked") };
}

/** The latest state under a name at which it stays when others are recorded. */
async function remember({ refs, recorded, ...repository }: States, name: string) {
  await commit(repository, { name, parent: refs.after }, []);
  return { ref: refOf(name), recorded: recorded.after ?? { known: new Map(), leftOut: [] } };
}

/**
 * The states with an `after` in which the checks of rounds before have done nothing, but for files
 * that the agent then changed itself. Without such rounds: the states themselves.
 */
export async function withoutChecks(states: States): Promise<States> {
  const { checked, refs, recorded } = states;
  if (checked === undefined || recorded.after === undefined) return states;
  const { left, found } = checked;
  const since = await changesBetween(states, found.ref, refs.after ?? "");
  const agents = new Set(since.map(({ path }) => path));
  const all = await changesBetween(states, found.ref, left.ref);
  const undone = all.filter(({ path }) => !agents.has(path));
  await commit(states, { name: "own", parent: refs.after }, commandsOf(undone));
  const paths = new Set(states.paths);
  for (const { path, status } of undone) {
    if (status === "D") paths.delete(path);
    else paths.add(path);
  }
  const after = without(checked, recorded.after, agents);
  return {
    ...states,
    paths,
    refs: { ...refs, after: refOf("own") },
    recorded: { ...recorded, after },
  };
}

/** What was seen, with what checks have touched, and nobody since then, as it was before them. */
function without(
  { left, found }: Record<"left" | "found", LeftState>,
  after: Recorded,
  agents: ReadonlySet<string>,
): Recorded {
  const known = new Map<string, Known>();
  for (const [path, entry] of after.known) {
    const was = left.recorded.known.get(path);
    const isUntouched = found.recorded.known.get(path)?.signature === entry.signature;
    if (!isUntouched || agents.has(path)) known.set(path, entry);
    else if (was !== undefined) known.set(path, was);
  }
  for (const [path, was] of left.recorded.known) {
    if (!(found.recorded.known.has(path) || after.known.has(path))) known.set(path, was);
  }
  const namesOf = ({ recorded }: LeftState) => new Set(recorded.leftOut.map(nameOf));
  const [before, since] = [namesOf(left), namesOf(found)];
  const isChecks = (name: string): boolean => since.has(name) && !before.has(name);
  return { known, leftOut: after.leftOut.filter((one) => !isChecks(nameOf(one))) };
}

const nameOf = ({ path, why }: Recorded["leftOut"][number]): string =>
  `${why} ${path.toString("latin1")}`;
