import { grantName } from "../../infra/deploy/access/grant.ts";
import { GRANTS } from "../../infra/deploy/access/grants.ts";
import { grantFor } from "../../infra/deploy/access/policy.ts";
import { LOCAL_ACCOUNTS, localGrants } from "../../infra/local/local-grants.ts";
import { recordedCallers, type SeenNeed } from "../../infra/local/recorded-callers.ts";
import { DELIVERING } from "../support/access-deliveries.ts";
import { storyFaults, tellWholeStory } from "../support/access-story.ts";
import { startWorld } from "../support/world.ts";

const STORY_TIMEOUT_MS = 480_000;
/** Those that calls of ours need. */
const OWN_GRANTS = GRANTS.filter(({ googles }) => googles === undefined);

/**
 * What each account was seen to need in the whole story, in which it had no more than the table
 * gives.
 */
let seen: SeenNeed[] = [];

beforeAll(async () => {
  const story = storyFaults();
  const callers = recordedCallers(LOCAL_ACCOUNTS, localGrants());
  const settings = DELIVERING;
  await using world = await startWorld({ callers, faults: story.faults, settings });
  await tellWholeStory(world, story, callers.seen);
  seen = callers.seen();
}, STORY_TIMEOUT_MS);

test("the whole story passes with what the table gives, and nothing was refused", () => {
  const grants = localGrants();
  expect(seen.filter((need) => grantFor(grants, need.account, need) === undefined)).toEqual([]);
});

/** Not those that only things which cross need. */
const NEEDED = OWN_GRANTS.filter(({ role, rarely = {} }) =>
  role.permissions.some((permission) => rarely[permission] === undefined),
);

test.each(NEEDED.map((grant) => [grantName(grant), grant] as const))(
  "without the grant %s a call of the story would be refused",
  (name, grant) => {
    const others = localGrants(GRANTS.filter((other) => other !== grant));
    const refused = seen.filter((need) => grantFor(others, need.account, need) === undefined);
    expect(refused).not.toEqual([]);
    expect(name).toContain(refused[0]?.account);
  },
);

test("each permission of a grant of ours was needed", () => {
  const unneeded = OWN_GRANTS.flatMap((grant) => {
    const [only] = localGrants([grant]);
    return grant.role.permissions
      .filter((permission) => grant.rarely?.[permission] === undefined)
      .filter((permission) => {
        const alone = [{ ...only, permissions: [permission] }] as ReturnType<typeof localGrants>;
        return !seen.some((need) => grantFor(alone, need.account, need));
      })
      .map((permission) => `${grantName(grant)}: ${permission}`);
  });
  expect(unneeded).toEqual([]);
});
