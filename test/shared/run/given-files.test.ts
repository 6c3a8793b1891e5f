import { GivenFiles } from "../../../shared/documents/files.ts";
import { fileFaults, placedFiles } from "../../../shared/run/given-files.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";

const validate = validatorOf(GivenFiles);
const text = (path: string) => ({ path, content: "a" });

test("a request's files are stored with their sizes and digests, text as it is", () => {
  const files = [
    { path: "docs/ü.md", content: "é\r\n" },
    { path: "run.sh", base64: "AAH/", executable: true },
  ];
  expect(fileFaults(files)).toEqual([]);
  expect(placedFiles(files)).toEqual([
    {
      path: "docs/ü.md",
      sizeBytes: 4,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      executable: false,
      content: "é\r\n",
      encoding: "utf8",
    },
    expect.objectContaining({ sizeBytes: 3, executable: true, encoding: "base64" }),
  ]);
});

test.each<[string, object[], RegExp]>([
  ["an absolute path", [text("/etc/passwd")], /pattern|workspace/],
  ["a path out of the workspace", [text("a/../../b")], /must lie below the workspace/],
  ["a path with a name that says nothing", [text("a//b")], /must lie below/],
  ["a folder's path", [text("a/")], /must lie below/],
  ["git's own folder", [text(".git/hooks/pre-commit")], /git keeps for itself/],
  ["the same in a folder, spelled otherwise", [text("a/.GIT/config")], /git keeps/],
  ["the same for NTFS", [text("git~1/config")], /git keeps/],
  ["a backslash", [text("a\\b")], /no backslashes/],
  ["a control character", [text("a\u001b[2J")], /no control characters/],
  ["another form of Unicode", [text("u\u0308")], /NFC/],
  ["a path that is too long", [text(`${"ä".repeat(120)}/${"ä".repeat(131)}`)], /500 bytes/],
  ["a name that is too long", [text("ä".repeat(128))], /255 bytes/],
  ["two files at one path", [text("a"), text("a")], /another file/],
  ["a file that would be a folder", [text("a/b"), text("a")], /together with a\/b/],
  ["no content", [{ path: "a" }], /content, base64 or upload/],
  ["two contents", [{ ...text("a"), base64: "" }], /content, base64 or upload/],
  ["what is not base64", [{ path: "a", base64: "AA" }], /not base64/],
  ["what is base64 for addresses", [{ path: "a", base64: "__8=" }], /not base64/],
  [
    "more than there is room for",
    [text("b"), { path: "a", content: "x".repeat(256 * 1024) }],
    /at most 262144/,
  ],
])("files with %s are refused where they stand", (_name, files, detail) => {
  const valid = validate(files);
  const faults = valid.ok ? fileFaults(valid.value) : valid.faults;
  expect(faults).toHaveLength(1);
  expect(`${faults[0]?.pointer} ${faults[0]?.detail}`).toMatch(detail);
});

test("no path of a request is refused because it looks strange", () => {
  const paths = [
    "..a/b..",
    ".gitignore",
    ".github/x",
    "~",
    "-rf",
    " ",
    "$(id)",
    "a\u200bb",
    ".env",
  ];
  expect(fileFaults(paths.map(text))).toEqual([]);
});
