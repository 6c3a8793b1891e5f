import { type KeyFlags, keyOrder } from "../../../infra/keys/options.ts";
import { placeOf } from "../../../infra/local/state/place.ts";
import { parsed } from "../../support/parsed.ts";

const NOW = new Date("2026-01-02T03:04:05.000Z");
const order = (flags: KeyFlags) => keyOrder(flags, NOW);

test("a key is made for runs of the local owner, and for ever, unless something else is said", () => {
  expect(order({ name: "ci" })).toEqual({
    name: "ci",
    owner: "local",
    scopes: ["run"],
    expiresAt: null,
  });
  const all = { name: "ci", owner: "google:1", scope: "admin,read", expires: "1d", project: "p" };
  expect(order(all)).toEqual({
    name: "ci",
    owner: "google:1",
    scopes: ["read", "admin"],
    expiresAt: new Date("2026-01-03T03:04:05.000Z"),
  });
});

test("keys are where they are said to be", () => {
  expect(placeOf({})).toEqual({ directory: ".runyard" });
  expect(placeOf({ state: "d" })).toEqual({ directory: "d" });
  expect(placeOf({ project: "p" })).toEqual({ projectId: "p" });
});

test.each([
  ["make", /unknown command 'make'/],
  ["create", /--name must say what the key is for/],
  ["create --name ci x", /too many arguments for 'create'.*: x/],
  ["create --name ci --project p", /--owner must say whom/],
  ["create --name ci --owner é", /--owner must say whom/],
  [`create --name ci --owner ${"o".repeat(129)}`, /--owner must say whom/],
  [`create --name ${"n".repeat(101)}`, /--name must/],
  ["create --name ci --scope write", /--scope: write is no scope; use read, run, admin/],
  ["create --name ci --scope read,", /--scope: nothing is no scope/],
  ["create --name ci --expires soon", /--expires: soon is no time/],
  ["create --name ci --state d --project p", /--state and --project/],
  ["list --name ci", /unknown option '--name'/],
  ["list x", /too many arguments for 'list'.*: x/],
  ["list --project=", /--project needs the id/],
  ["revoke", /missing required argument 'key'/],
  ["revoke a b", /too many arguments for 'revoke'/],
  ["list --jsn", /unknown option '--jsn'/],
])("%j is refused with what is wrong", async (text, message) => {
  await expect(parsed(["keys", ...text.split(" ")])).rejects.toThrow(message);
});
