import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { standInTest } from "./declared.ts";

/**
 * The rule that each marked deviation has its test, and each such test its mark:
 *
 * - A mark is a comment below `infra/emulators` or `infra/local` with `Differs: WORDS`; a comment's
 *   lines are read as one. WORDS end before the first `.` `,` `;` or `:` with a space or nothing
 *   behind it, before ` (`, or where the comment ends. No two marks have the same.
 * - Its test is one of `differsTest`, anywhere below `test`, whose name is `"Differs: WORDS: what
 *   is so here"`.
 */
const MARK = /Differs: ([^\n]*?)(?=[.,;:](?:\s|$)| \(|$)/gm;

function textsBelow(folder: string): string[] {
  const root = fileURLToPath(new URL(folder, import.meta.url));
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
    .map((name) => join(root, name))
    .filter((path) => path !== import.meta.filename)
    .map((path) => readFileSync(path, "utf8"));
}

/** What the comments of a source begin with after `Differs:`. */
function marksIn(source: string): string[] {
  const joined = source.replaceAll(/[ \t]*\n\s*(?:\*(?!\/)|\/\/) ?/g, " ");
  return [...joined.replaceAll(/ ?\*\//g, "\n").matchAll(MARK)].map(([, words = ""]) => words);
}

/**
 * The names that `differsTest` gets, as far as a mark reads; and names of this form that others
 * get.
 */
function testsIn(source: string): { tested: string[]; misdeclared: string[] } {
  const tested: string[] = [];
  const misdeclared: string[] = [];
  for (const { 0: name, index } of source.matchAll(/"Differs: [^"\n]+(?=")/g)) {
    const [, words = ""] = [...name.slice(1).replaceAll("%%", "%").matchAll(MARK)][0] ?? [];
    const declaration = source
      .slice(0, index)
      .match(/\b\w*[tT]est(?=\.each\b|\()/g)
      ?.at(-1);
    (declaration === "differsTest" ? tested : misdeclared).push(words);
  }
  return { tested, misdeclared };
}

standInTest("each deviation that the stand-in's code marks has its test, and no other", () => {
  const folders = ["../../infra/emulators/", "../../infra/local/"];
  const marks = folders.flatMap(textsBelow).flatMap(marksIn).toSorted();
  const found = textsBelow("../").map(testsIn);
  const tested = new Set(found.flatMap((each) => each.tested));
  expect(marks.length).toBeGreaterThan(30);
  expect(found.flatMap(({ misdeclared }) => misdeclared)).toEqual([]);
  expect(marks.filter((words, index) => marks.indexOf(words) !== index)).toEqual([]);
  expect([...tested].toSorted()).toEqual(marks);
});

const comment = (...lines: string[]) => lines.join("\n");

standInTest.each([
  [comment("  // Differs: here it is red, there", "  // green.", "  x();"), ["here it is red"]],
  [
    comment("/** Makes one. Differs: never two at", " * a time (or three). */"),
    ["never two at a time"],
  ],
  [comment("// Differs: without an end", "x();"), ["without an end"]],
  [comment("/* Differs: of 3,000 or .zip */ x();"), ["of 3,000 or .zip"]],
])("the mark of %j", (source, words) => {
  expect(marksIn(source)).toEqual(words);
});

standInTest("a test of a deviation that is declared as another is found", () => {
  const name = '"Differs: a b: c"';
  expect(testsIn(`differsTest.each([1])(\n  ${name},`).tested).toEqual(["a b"]);
  expect(testsIn(`differsTest("x");\nstandInTest(${name},`).misdeclared).toEqual(["a b"]);
});
