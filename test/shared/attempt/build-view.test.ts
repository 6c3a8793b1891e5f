import { type BuildView, verdictOnSecrets } from "../../../shared/attempt/build-view.ts";

const SECRET = "projects/p-1/secrets/ci-token/versions/latest";
const ref = { name: "projects/p/locations/l/builds/b", id: "b" };
const viewOf = (failure: string): BuildView => ({
  ref,
  status: "FAILURE",
  startedAt: null,
  input: "",
  failure,
});
const failed = (cause: string) => `failed to access secret version for secret ${SECRET}: ${cause}`;
const outcomeOf = (failure: string) =>
  verdictOnSecrets(viewOf(failure), (name) => `add ${name}`)?.outcome;

test.each<[string, string | undefined]>([
  [
    failed("rpc error: code = NotFound desc = Secret [x] not found or has no versions."),
    "secret_missing",
  ],
  [failed("rpc error: code = FailedPrecondition desc = is in DISABLED state."), "secret_missing"],
  [failed("rpc error: code = PermissionDenied desc = Permission denied."), "secret_unreadable"],
  [failed("rpc error: code = Unavailable desc = try again"), undefined],
  [failed("rpc error: code = DeadlineExceeded desc = late"), undefined],
  ["Build step failure: step exited with non-zero status: 1", undefined],
  ["", undefined],
])("%s", (failure, outcome) => {
  expect(outcomeOf(failure)).toBe(outcome);
});

test("what is missing is named, with what adds it", () => {
  const verdict = verdictOnSecrets(viewOf(failed("code = NotFound")), (name) => `add ${name}`);
  expect(verdict?.message).toBe(`The secret ${SECRET} is not there: add ${SECRET}.`);
  expect(verdictOnSecrets(undefined, String)).toBeUndefined();
});
