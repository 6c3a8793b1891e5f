import { type Grant, resolved } from "../deploy/access/grant.ts";
import { GRANTS } from "../deploy/access/grants.ts";
import type { ResolvedGrant } from "../deploy/access/policy.ts";
import { FUNCTIONS, type Names, namesOf } from "../deploy/names.ts";
import { LOCAL } from "./names.ts";

/** Whoever calls the services of the local server with an account of its own. */
export const LOCAL_ACCOUNTS: readonly string[] = [...FUNCTIONS, LOCAL.buildCaller];

const inCloud = namesOf({
  project: LOCAL.project,
  projectNumber: "0",
  region: "us-central1",
  buildRegion: "us-central1",
  modelKeySecret: "anthropic-api-key",
});

const names: Names = {
  ...inCloud,
  dataBucket: LOCAL.bucket,
  logsBucket: LOCAL.logsBucket,
  accountName: (account) =>
    account === "build" ? LOCAL.buildAccount : inCloud.accountName(account),
};

/** What a deployment would give, under the names of the local server. */
export const localGrants = (grants: readonly Grant[] = GRANTS): ResolvedGrant[] =>
  resolved(grants, names);
