import { advertisedRefs, hasRef } from "../../../functions/repositories/advertised-refs.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;
const TITLE = `${line("# service=git-upload-pack\n")}0000`;
const REFS = [
  `${A} HEAD\0multi_ack symref=HEAD:refs/heads/main\n`,
  `${A} refs/heads/main\n`,
  `${B} refs/heads/feature/#12-fix\n`,
  `${B} refs/tags/v1\n`,
].map(line);
const WHOLE = `${TITLE}${REFS.join("")}0000`;

const refsIn = (text: string, isAll = true) => advertisedRefs(Buffer.from(text), isAll);

test.each([
  ["main", true],
  ["feature/#12-fix", true],
  ["heads/main", true],
  ["refs/tags/v1", true],
  ["v1", true],
  ["HEAD", true],
  ["v2", false],
  ["mai", false],
  ["refs/heads", false],
  [B, true],
  [B.toUpperCase(), true],
  // A commit need not be the tip of a ref, and a short id need not be that of one.
  ["c".repeat(40), null],
  ["aaaa", null],
])("of what is listed whole, %s is there: %j", (ref, expected) => {
  const refs = refsIn(WHOLE);
  expect(refs).toMatchObject({ isWhole: true });
  expect(refs && hasRef(refs, ref)).toBe(expected);
});

test("of what is cut off, nothing is said to be missing", () => {
  for (let end = TITLE.length; end < WHOLE.length; end += 1) {
    const refs = refsIn(WHOLE.slice(0, end), false);
    expect(refs).toMatchObject({ isWhole: false });
    expect(refs && hasRef(refs, "v2")).toBeNull();
    expect(refs && hasRef(refs, "v1")).toBe(end >= WHOLE.length - 4 ? true : null);
  }
});

test("files list their refs, and not their HEAD", () => {
  const refs = refsIn(`${A}\trefs/heads/main\n${B}\trefs/tags/v1\n`);
  expect(["main", "v1", "v2", "HEAD"].map((ref) => refs && hasRef(refs, ref))).toEqual([
    ...[true, true, false, null],
  ]);
  expect(refsIn(`${A}\trefs/heads/main\n${B}\tre`, false)).toMatchObject({ isWhole: false });
});

test.each([
  "",
  "<!doctype html>\n",
  "0000",
  "zzzz",
  "0003",
  "ffff# service",
  line("# service=git-receive-pack\n"),
])("%j is no list of refs", (text) => {
  expect(refsIn(text)).toBeUndefined();
});

test("lengths that are none end the list", () => {
  for (const rest of ["0001", "0002", "0003", "000", "ffff", "-001", "00 5"]) {
    expect(refsIn(`${TITLE}${REFS.join("")}${rest}`)).toMatchObject({ isWhole: false });
  }
});
