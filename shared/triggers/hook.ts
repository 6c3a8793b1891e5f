/** Bytes of the largest body that is taken at a hook: GitHub's largest delivery. */
export const HOOK_BYTES = 25 * 1024 * 1024;

/** Where hooks are posted to, and the trigger's id behind it. */
export const HOOKS_PATH = "/v1/hooks/";

/** What is posted to a hook and is no CloudEvent by itself. */
export const HOOK_EVENT = "runyard.hook.received.v1";

/** For what a hook's secrets are sealed: each of them, so that they can change places. */
export const hookSecretPlace = (triggerId: string) => ({
  document: `triggers/${triggerId}`,
  field: "secrets",
});
