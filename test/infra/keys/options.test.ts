import { parseCommand } from "../../../infra/keys/options.ts";

const NOW = new Date("2026-01-02T03:04:05.000Z");
const parse = (text: string) => parseCommand(text.split(" ").filter(Boolean), NOW);

test("a key is made for runs of the local owner, and for ever, unless something else is said", () => {
  expect(parse("create --name ci")).toEqual({
    name: "create",
    place: { directory: ".runyard" },
    order: { name: "ci", owner: "local", scopes: ["run"], expiresAt: null },
  });
  const all = "create --name ci --owner google:1 --scope admin,read --expires 1d --project p";
  expect(parse(all)).toEqual({
    name: "create",
    place: { projectId: "p" },
    order: {
      name: "ci",
      owner: "google:1",
      scopes: ["read", "admin"],
      expiresAt: new Date("2026-01-03T03:04:05.000Z"),
    },
  });
});

test("keys are listed and revoked where they are", () => {
  expect(parse("list --state d")).toEqual({ name: "list", place: { directory: "d" } });
  expect(parse("revoke key_1")).toEqual({
    name: "revoke",
    place: { directory: ".runyard" },
    id: "key_1",
  });
  expect(parse("revoke --help")).toEqual({ name: "help" });
});

test.each([
  ["", /no command is given; use create, list or revoke/],
  ["make", /the command make is not known/],
  ["create", /--name must say what the key is for/],
  ["create --name ci x", /create does not know what to do with x/],
  ["create --name ci --project p", /--owner must say whom/],
  ["create --name ci --owner é", /--owner must say whom/],
  [`create --name ci --owner ${"o".repeat(129)}`, /--owner must say whom/],
  [`create --name ${"n".repeat(101)}`, /--name must/],
  ["create --name ci --scope write", /--scope: write is no scope; use read, run, admin/],
  ["create --name ci --scope read,", /--scope: nothing is no scope/],
  ["create --name ci --expires soon", /--expires: soon is no time/],
  ["create --name ci --state d --project p", /--state and --project/],
  ["list --name ci", /list has no option --name/],
  ["list x", /list does not know what to do with x/],
  ["list --project=", /--project needs the id/],
  ["revoke", /revoke needs the id of a key/],
  ["revoke a b", /revoke does not know what to do with b/],
  ["list --jsn", /--jsn/],
])("%j is refused with what is wrong", (text, message) => {
  expect(() => parse(text)).toThrow(message);
});
