import { secretFaults } from "../../../shared/agent/environment.ts";
import { Repositories, repositoryFaults } from "../../../shared/agent/repository.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";

const validateAll = validatorOf(Repositories);
const validate = (value: unknown) => {
  const read = validateAll(value);
  return read.ok ? [] : read.faults;
};
const in_ = (folder: string) => ({ folder, url: "https://git.example/x" });

test.each(["shop", "Shop.api", "_", "a-b", "9"])("a folder may be called %s", (folder) => {
  expect(validate([in_(folder)])).toEqual([]);
});

test.each([
  ...["", ".", "..", ".git", "a/b", "/a", "-a", "a.", "a-b.", "git~1", "a b", "a\\b", "é"],
  ...["\u200c.git", "a\u0000", "x".repeat(101), "con:"],
])("a folder is not called %j", (folder) => {
  expect(validate([in_(folder)])).not.toEqual([]);
});

test("there is one at least, and ten at most", () => {
  expect(validate([])).not.toEqual([]);
  expect(validate(Array.from({ length: 11 }, (_, at) => in_(`f${at}`)))).not.toEqual([]);
});

test("two folders differ in more than case, and there is no repository around them", () => {
  expect(repositoryFaults({ repositories: [in_("a"), in_("b")] })).toEqual([]);
  expect(repositoryFaults({ repositories: [in_("web"), in_("b"), in_("WEB")] })).toEqual([
    {
      pointer: "/repositories/2/folder",
      detail: expect.stringContaining("of another one as well"),
    },
  ]);
  const repository = { url: "https://git.example/x" };
  expect(repositoryFaults({ repository, repositories: [in_("a")] })).toEqual([
    { pointer: "/repositories", detail: expect.stringContaining("beside repository") },
  ]);
});

test("a credential of one of several is refused at its place", () => {
  const credential = { secret: "projects/p/secrets/theirs/versions/1" };
  const rule = { prefixes: new Map(), projectId: "p", modelKeySecret: "" };
  const repositories = [in_("a"), { ...in_("b"), credential }];
  expect(secretFaults({ repositories }, "owner", rule)).toEqual([
    { pointer: "/repositories/1/credential/secret", detail: expect.stringContaining("owner") },
  ]);
});

test.each(["apps/web", "a b", "é", "[id]", ".github", "a/..b"])("a path may be %s", (path) => {
  expect(validate([{ ...in_("a"), paths: [path] }])).toEqual([]);
});

test.each([
  "",
  "/a",
  "a/",
  "a//b",
  ".",
  "..",
  "a/../b",
  "a\u2028/../b",
  "./a",
  "-a",
  "!a",
  "#a",
  "a\nb",
  'a"',
  "a\\b",
])("a path is not %j", (path) => {
  expect(validate([{ ...in_("a"), paths: [path] }])).not.toEqual([]);
});

test("a credential opens submodules on the repository's own host alone, by their addresses", () => {
  const secret = "projects/p/secrets/s/versions/1";
  const opening = (...submodules: string[]) => ({
    repositories: [in_("a"), { ...in_("b"), credential: { secret, submodules } }],
  });
  const right = ["https://git.example/y.git", "https://git.example/y/*", "https://git.example/*"];
  expect(validate(opening(...right).repositories)).toEqual([]);
  expect(repositoryFaults(opening(...right))).toEqual([]);
  expect(repositoryFaults(opening("https://git.example/y", "https://git.example.thief/*"))).toEqual(
    [
      {
        pointer: "/repositories/1/credential/submodules/1",
        detail: "is not on git.example, the one host that is told the credential",
      },
    ],
  );
  for (const wrong of ["*", "http://git.example/y", "https://*/y", "https://git.example/*/y"]) {
    expect(validate(opening(wrong).repositories)).not.toEqual([]);
  }
});
