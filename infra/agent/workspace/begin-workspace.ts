import { isOfApp, openedWith, repositoriesOf } from "../../../shared/agent/repository.ts";
import type { RepositoryTokens } from "../../../shared/delivery/repository-tokens.ts";
import { TIMING } from "../../../shared/limits.ts";
import type { Input } from "../attempt/input.ts";
import type { Objects } from "../attempt/objects.ts";
import type { Phases } from "../phases.ts";
import type { RepositoryAccess } from "../repository/upstream.ts";
import type { Helper } from "../sandbox/helper.ts";
import { socketsIn } from "../sandbox/launch.ts";
import type { Folders } from "../sandbox/place.ts";
import { type CheckoutFailure, checkOut } from "./checkout.ts";
import { openStates, recordState, type States } from "./git-states.ts";
import type { Mirrors } from "./mirrors.ts";
import { placeTree } from "./place-tree.ts";

export interface Preparation {
  input: Input;
  folders: Folders;
  /** Name of the agent's command line. */
  engineName: string;
  /** The runner's own `PATH`. */
  path: string;
  helper: Helper;
  access: RepositoryAccess;
  /**
   * Tokens of the GitHub App by the repositories' places, or why there are none.
   *
   * @throws if nobody says so in time
   */
  appTokens(): Promise<RepositoryTokens>;
  phases: Pick<Phases, "enter">;
  /** Is told what people should know of what is missing. */
  tell(note: string): void;
  objectsIn(bucket: string): Objects;
  /** Undefined: none are read, and none are left. */
  mirrors?: Mirrors | undefined;
}

/** The commits that a workspace began with, by their folders; that of one without is `""`. */
export type Commits = Readonly<Record<string, string>>;

export interface Brought {
  states: States;
  commits: Commits;
  /** What is missing, one sentence each. */
  notes: string[];
  /** What the agent is told beside its prompt. Absent: nothing. */
  told?: string;
}

/** The workspace as the conversation began: empty, the tree that was sent, or the repositories'. */
export async function beginWorkspace(
  preparation: Preparation,
  wanted: Commits,
): Promise<Brought | CheckoutFailure> {
  const { input, folders, path } = preparation;
  const origin = await placeOrigin(preparation, wanted);
  if ("failedStep" in origin) return origin;
  const { git: gitFolder, workspace } = folders;
  const repositories = repositoriesOf(input.agent);
  const named = repositories.map(({ folder }) => folder);
  const states = await openStates({ gitFolder, workspace, repositories: named }, path);
  states.hasLfs = repositories.some(({ lfs }) => lfs);
  await recordState(states, "first");
  return { states, ...origin };
}

/** Puts what a workspace begins with into an empty folder. */
export async function placeOrigin(
  preparation: Preparation,
  wanted: Commits,
): Promise<Omit<Brought, "states"> | CheckoutFailure> {
  const { input, helper, phases, objectsIn } = preparation;
  const { tree, bucket } = input.attempt;
  if (tree !== undefined) {
    phases.enter("checkout");
    const placed = await placeTree(tree, { helper, objects: objectsIn(bucket) });
    if ("failedStep" in placed) return { ...placed, isUnknownRef: false, ref: "" };
    return { commits: { "": placed.commit }, notes: [] };
  }
  if (repositoriesOf(input.agent).length > 0) phases.enter("checkout");
  return await checkOutAll(preparation, wanted);
}

/** Checks the repositories out, one after the other: each has its own way out and credential. */
async function checkOutAll(
  preparation: Preparation,
  wanted: Commits,
): Promise<Omit<Brought, "states"> | CheckoutFailure> {
  const { input, folders, helper, tell, mirrors } = preparation;
  const { workspace } = folders;
  const { egressSocket } = socketsIn(folders.sockets);
  const until = helper.clock.now() + TIMING.checkout * 1000;
  const access = await withTokens(preparation);
  if ("failedStep" in access) return access;
  const [commits, notes]: [Record<string, string>, string[]] = [{}, []];
  for (const [at, repository] of repositoriesOf(input.agent).entries()) {
    const { folder, url, ref = "HEAD", submodules, lfs: hasLfs = false, paths } = repository;
    const done = await checkOut(
      {
        ...{ folder, url, hasLfs, paths, ref: wanted[folder] ?? ref },
        isPrivate: repository.credential !== undefined,
        submoduleHosts: submodules ? input.agent.allowedHosts : undefined,
        opened: openedWith(repository),
      },
      {
        ...{ helper, until, egressSocket, workspace, mirrors },
        access: folder === "" ? access : accessTo(access, at),
      },
    );
    if ("failedStep" in done) return done;
    commits[folder] = done.commit;
    notes.push(...done.notes);
    for (const note of done.notes) tell(note);
    if (done.fetched) tell(`Fetched of ${url}: ${done.fetched}.`);
    helper.log(`checked out commit ${done.commit}${folder && ` into ${folder}`}`);
  }
  return { commits, notes };
}

/** With tokens of the GitHub App where those are the credentials. */
async function withTokens({
  input,
  access,
  appTokens,
}: Preparation): Promise<RepositoryAccess | CheckoutFailure> {
  const repositories = repositoriesOf(input.agent);
  const first = repositories.find(isOfApp);
  if (first === undefined) return access;
  const told = await appTokens();
  if ("refused" in told) {
    const error = `The repository ${first.url} cannot be checked out: ${told.refused}`;
    return { failedStep: "checkout", stoppedBy: null, error, isUnknownRef: false, ref: "" };
  }
  const { credential, credentials = [] } = access;
  const tokens = repositories.map((each, at) =>
    isOfApp(each) ? told.tokens[at] : each.folder === "" ? credential : credentials[at],
  );
  return { ...access, credential: tokens[0], credentials: tokens.map((token) => token ?? "") };
}

/** With the credential of one of several repositories, and without the others'. */
const accessTo = (
  { credentials = [], ...access }: RepositoryAccess,
  at: number,
): RepositoryAccess => ({ ...access, credential: credentials[at] });
