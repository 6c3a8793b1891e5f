import { changedWords, pairsOf } from "../../../../page/run/changes/pairs.ts";
import { parsePatch } from "../../../../page/run/changes/patch.ts";
import { byLine, piecesOf } from "../../../../page/run/changes/pieces.ts";

const file = (name: string, ...lines: string[]): string =>
  [`diff --git a/${name} b/${name}`, ...lines, ""].join("\n");
const hunk = (name: string, ...lines: string[]): string =>
  file(name, "index 1..2 100644", `--- a/${name}`, `+++ b/${name}`, ...lines);

describe("a patch", () => {
  test("is its files with what became of each", () => {
    const { files } = parsePatch(
      [
        file("run.sh", "old mode 100644", "new mode 100755"),
        file(
          "logo.png",
          "new file mode 100644",
          "index 0..1",
          "GIT binary patch",
          "literal 1",
          "Hc",
          "",
        ),
        "diff --git a/x.txt b/y.txt\nsimilarity index 100%\nrename from x.txt\nrename to y.txt\n",
        file(
          "gone",
          "deleted file mode 100644",
          "--- a/gone",
          "+++ /dev/null",
          "@@ -1 +0,0 @@",
          "-bye",
        ),
      ].join(""),
    );
    expect(files.map(({ name, what, lines }) => [name, what, lines])).toEqual([
      ["run.sh", ["mode 100644 → 100755"], 0],
      ["logo.png", ["new", "binary"], 0],
      ["y.txt", ["was x.txt"], 0],
      ["gone", ["deleted"], 1],
    ]);
    expect(files.at(-1)?.chunks[0]?.place).toBe("Line 1 before");
  });

  test("says where its lines stand, and has at most 60 in a piece", () => {
    const added = Array.from({ length: 130 }, (_, i) => `+${i}`);
    const { files } = parsePatch(hunk("a.ts", "@@ -9,2 +9,132 @@ class A {", " a", " b", ...added));
    const { chunks = [] } = files[0] ?? {};
    expect(chunks.map(({ place, lines }) => [place, lines.length])).toEqual([
      ["Lines 9–140, in class A {", 60],
      ["", 60],
      ["", 12],
    ]);
    expect(chunks[0]?.lines[0]).toEqual({ kind: "same", before: 9, after: 9, text: "a" });
  });

  test("hides nothing that a line has in it", () => {
    const hidden = "+safe();\rsteal(); \\ No newline at end of file";
    const { files } = parsePatch(
      hunk(
        "a.sql",
        "@@ -1,2 +1,2 @@",
        "--- x",
        "-last",
        "+++ y",
        hidden,
        "\\ No newline at end of file",
      ),
    );
    const lines = files.flatMap(({ chunks }) => chunks.flatMap((chunk) => chunk.lines));
    expect(lines.map(({ text }) => text)).toEqual([
      "-- x",
      "last",
      "++ y",
      "safe();␍steal(); \\\u00a0No newline at end of file⟨no line end⟩",
    ]);
  });

  test("ends with what it leaves out", () => {
    const text = `${hunk("a", "@@ -1 +1 @@", "-# Runyard: old", "+# Runyard: new")}# Runyard: 3 files are left out\n`;
    expect(parsePatch(text).remarks).toEqual(["3 files are left out"]);
  });
});

test("removed lines stand beside those that took their place", () => {
  const { files } = parsePatch(
    hunk("a", "@@ -1,4 +1,3 @@", " same", "-one", "-two", "+eins", " end", "-off"),
  );
  const pairs = pairsOf(files[0]?.chunks[0]?.lines ?? []);
  expect(pairs.map(({ before, after }) => [before?.text, after?.text])).toEqual([
    ["same", "same"],
    ["one", "eins"],
    ["two", undefined],
    ["end", "end"],
    ["off", undefined],
  ]);
});

test("the words that changed are marked, unless nearly all did", () => {
  expect(changedWords("const a = Number(b);", "const a = new Decimal(b);")).toEqual({
    before: [{ from: 10, to: 16 }],
    after: [{ from: 10, to: 21 }],
  });
  expect(changedWords("return total;", "const sum = 0;")).toEqual({ before: [], after: [] });
});

test("a line is cut where its colour or its mark changes, and ends in time", () => {
  const tones = [{ from: 0, to: 5, tone: "k" as const }];
  expect(piecesOf("const a\u202e", { tones, changed: [{ from: 3, to: 7 }] })).toEqual([
    { text: "con", tone: "k", isChanged: false },
    { text: "st", tone: "k", isChanged: true },
    { text: " a", tone: "", isChanged: true },
    { text: "⟨RLO⟩", tone: "", isChanged: false },
  ]);
  expect(piecesOf("x".repeat(5000), {}).at(-1)?.text).toBe(" … 3000 more characters");
});

test("colours of a text are cut at its lines", () => {
  const spans = [
    { from: 0, to: 2, tone: "k" as const },
    { from: 3, to: 8, tone: "c" as const },
  ];
  expect(byLine(["if x", "", "yz"], spans)).toEqual([
    [
      { from: 0, to: 2, tone: "k" },
      { from: 3, to: 4, tone: "c" },
    ],
    [],
    [{ from: 0, to: 2, tone: "c" }],
  ]);
});
