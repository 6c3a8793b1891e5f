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

async function cutLinesOf(text: string, chunkBytes: number): Promise<Line[]> {
  const bytes = Buffer.from(text);
  const stream = (async function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  })();
  const lines: Line[] = [];
  for await (const line of readLines(stream, 200, 20)) lines.push(line);
  return lines;
}

test.each([1, 7, 10_000])(
  "a line of JSON that is too long has its long texts cut, read in chunks of %d bytes",
  async (chunkBytes) => {
    const long = {
      type: "result",
      result: 'é\\"\n\u0001😀'.repeat(100),
      total_cost_usd: 0.25,
      last: "z",
    };
    const text = JSON.stringify(long);
    const escaped = text.replaceAll("é", "\\u00e9").replaceAll("😀", "\\ud83d\\ude00");
    for (const whole of [text, escaped]) {
      const [line] = await cutLinesOf(`${whole}\nshort\n`, chunkBytes);
      if (!line || !("text" in line)) throw new Error("the line was dropped");
      expect(line.cutBytes).toBe(Buffer.byteLength(whole));
      const { result, ...rest } = JSON.parse(line.text);
      expect(rest).toEqual({ type: "result", total_cost_usd: 0.25, last: "z" });
      expect(long.result.startsWith(result.slice(0, 3))).toBe(true);
    }
  },
);

test("a line of many short texts that is too long is dropped", async () => {
  const text = JSON.stringify(Array.from({ length: 100 }, () => "short"));
  expect(await cutLinesOf(text, 50)).toEqual([{ droppedBytes: text.length }]);
});
