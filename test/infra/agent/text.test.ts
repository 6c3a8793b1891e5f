import { type Line, readLines } from "../../../infra/agent/sandbox/line-reader.ts";
import { oneLine } from "../../../infra/agent/text.ts";
import { cutText, cutTextStart } from "../../../shared/text.ts";

test.each([
  ["short", 10, "short"],
  ["0123456789", 10, "0123456789"],
  ["0123456789x", 10, "0123456…"],
  ["ééééé", 9, "ééé…"],
  ["😀😀😀", 8, "😀…"],
])("%j cut to %d bytes is %j", (text, bytes, expected) => {
  expect(cutText(text, bytes)).toBe(expected);
});

test.each([
  ["short", 10, "short"],
  ["0123456789x", 10, "…456789x"],
  ["ééééé", 8, "…éé"],
])("the end of %j in %d bytes is %j", (text, bytes, expected) => {
  expect(cutTextStart(text, bytes)).toBe(expected);
});

test("a line for people has no line ends and no control or direction characters", () => {
  expect(oneLine(" a\r\n\tb\u0000\u001b[1m\u202e c\u2028d ", 50)).toBe("a b [1m c d");
});

async function linesOf(chunks: string[], maxBytes = 100): Promise<Line[]> {
  const lines: Line[] = [];
  const stream = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk, "latin1");
  })();
  for await (const line of readLines(stream, maxBytes)) lines.push(line);
  return lines;
}

test("lines are put together across chunks, and a last one without an end counts", async () => {
  expect(await linesOf(["a\nb", "c", "\n\n", "d"])).toEqual([
    { text: "a" },
    { text: "bc" },
    { text: "" },
    { text: "d" },
  ]);
});

test("a character that is cut between chunks stays whole", async () => {
  expect(await linesOf(["\xc3", "\xa9\n"])).toEqual([{ text: "é" }]);
});

test("of a line that is too long only the size is kept, and the next one is read", async () => {
  const lines = await linesOf(["x".repeat(60), "x".repeat(60), "y\nshort\n"]);
  expect(lines).toEqual([{ droppedBytes: 121 }, { text: "short" }]);
});
