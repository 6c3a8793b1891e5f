import { listing, METHODS, type Need } from "../deploy/access/needs.ts";
import { grantFor, type ResolvedGrant } from "../deploy/access/policy.ts";
import type { AccountCall, Callers } from "../emulators/wire/callers.ts";
import { GoogleError } from "../emulators/wire/status.ts";

/** Something that an account was seen to need. */
export interface SeenNeed extends Need {
  account: string;
  /** Google's method that needed it. */
  method: string;
}

/** Callers that are held to grants, and what was seen of them. */
export interface RecordedCallers extends Callers {
  /** Each once. */
  seen(): SeenNeed[];
}

/** @param grants undefined: everything is allowed, and only written down */
export function recordedCallers(
  accounts: readonly string[],
  grants?: readonly ResolvedGrant[],
): RecordedCallers {
  const seen = new Map<string, SeenNeed>();
  const note = (need: SeenNeed) => seen.set(JSON.stringify(Object.values(need)), need);
  const has = (account: string, need: Need) =>
    grants === undefined || grantFor(grants, account, need) !== undefined;
  return {
    accounts,
    admit(call) {
      for (const need of needsOf(call)) {
        note({ account: call.account, method: call.method, ...need });
        if (!has(call.account, need)) throw denied(call.account, need);
      }
    },
    mayList(account, bucket) {
      const need = listing(bucket);
      const may = has(account, need);
      if (may) note({ account, method: "storage.objects.get", ...need });
      return may;
    },
    seen: () => [...seen.values()],
  };
}

function needsOf({ account, method, request }: AccountCall): Need[] {
  const known = METHODS[method];
  if (known !== undefined) return known.needs(request ?? {});
  throw denied(account, {
    permission: `of ${method}, which the table of methods lacks,`,
    resource: "",
  });
}

/** @see https://cloud.google.com/iam/docs/permission-error-messages */
function denied(account: string, { permission, resource }: Need): GoogleError {
  return new GoogleError(
    "PERMISSION_DENIED",
    `Permission '${permission}' denied on resource '${resource}' (or it may not exist) for ${account}.`,
  );
}
