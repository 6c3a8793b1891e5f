import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { OPERATIONS } from "../../shared/api/operations.ts";
import { PROBLEMS } from "../../shared/errors.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const papers = ["*.md", "{docs,examples,client,functions,infra,shared,test}/**/*.md"].flatMap(
  (pattern) => globSync(pattern, { cwd: ROOT, exclude: (path) => path.includes("node_modules") }),
);

/** A paper without its blocks of code. */
const prose = (path: string) => read(path).replace(/^```[\s\S]*?^```$/gm, "");

/** Names of a paper's headings, as a link has them after `#`. */
function anchors(path: string): string[] {
  const headings = prose(path).matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text = ""]) =>
    text
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

/** What is wrong with the links of a paper that lead to a file or a heading. */
function deadLinks(path: string): string[] {
  const targets = [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^https?:/.test(target)) return false;
    const [file = "", anchor] = target.split("#");
    const found = file === "" ? path : relative(ROOT, join(ROOT, dirname(path), file));
    if (!existsSync(join(ROOT, found))) return true;
    return anchor !== undefined && !anchors(found).includes(anchor);
  });
}

test.each(papers)(
  "%s: every link leads somewhere, and no line is longer than 110 characters",
  (path) => {
    expect(deadLinks(path)).toEqual([]);
    expect(
      read(path)
        .split("\n")
        .filter((line) => line.length > 110),
    ).toEqual([]);
  },
);

test("the README has at most 130 lines, and the commands to start and to test", () => {
  const lines = read("README.md").trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(130);
  expect(lines).toEqual(expect.arrayContaining(["npm install && npm start", "npm test"]));
});

test("docs/api.md lists every operation with its scope, and every code of an error", () => {
  const text = read("docs/api.md");
  const rows = [...text.matchAll(/^\| `([A-Z]+ \S+)` \| ([\w ]+) \|/gm)].map(
    ([, operation, scope]) => `${operation} ${scope}`,
  );
  const words = { public: "none", build: "its build" } as Record<string, string>;
  const operations = OPERATIONS.filter(({ tag }) => tag !== "Legacy").map(
    ({ method, path, access }) => `${method.toUpperCase()} ${path} ${words[access] ?? access}`,
  );
  expect(rows.sort()).toEqual(operations.sort());
  const codes = Object.keys(PROBLEMS).filter((code) => !text.includes(`\`${code}\``));
  expect(codes).toEqual([]);
});

test("docs/api.md shows the listener as the example begins with it", () => {
  const [, shown] = /^```js\n([\s\S]*?)^```$/m.exec(read("docs/api.md")) ?? [];
  const [begins] = read("examples/listener/listen.js").split("\n// A listener waits");
  expect(shown).toBe(begins);
});

test("docs/configuration.md has every variable of the functions, and no other", () => {
  const named = (text: string, pattern: RegExp) =>
    [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();
  const table = named(read("docs/configuration.md"), /^\| `(RUNYARD_\w+)`/gm);
  const sources = ["config", "github-settings", "trigger-auth"];
  const readers = sources.map((name) => read(`functions/${name}.ts`)).join("\n");
  expect(table).toEqual(named(readers, /"(RUNYARD_[A-Z_]+)"/g));
});

test("the list of decisions has each of them", () => {
  const listed = [...read("docs/decisions/README.md").matchAll(/\((\d{4}-[\w-]+\.md)\)/g)];
  const files = globSync("docs/decisions/0*.md", { cwd: ROOT }).map((path) => path.slice(15));
  expect(listed.map(([, file]) => file)).toEqual(files.sort());
});
