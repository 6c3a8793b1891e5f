import { base62, isRunId, newUuid, runId } from "../../shared/ids.ts";
import { counted, isWellFormed, preview, truncateUtf8, utf8Length } from "../../shared/text.ts";

describe("truncateUtf8", () => {
  test.each([
    ["abc", 3, "abc"],
    ["abc", 2, "ab"],
    ["aé", 2, "a"],
    ["a😀b", 4, "a"],
    ["a😀b", 5, "a😀"],
    ["", 0, ""],
    ["é", 0, ""],
  ])("%j to %d bytes is %j", (text, bytes, expected) => {
    expect(truncateUtf8(text, bytes)).toBe(expected);
    expect(utf8Length(truncateUtf8(text, bytes))).toBeLessThanOrEqual(bytes);
  });
});

describe("preview", () => {
  test.each([
    ["a\n\tb   c", "a b c"],
    ["\u001b[31mred", "[31mred"],
    ["x".repeat(10), "x".repeat(10)],
    ["x".repeat(11), `${"x".repeat(9)}…`],
    ["😀".repeat(11), `${"😀".repeat(9)}…`],
    ["", ""],
  ])("%j becomes %j", (text, expected) => {
    expect(preview(text, 10)).toBe(expected);
  });
});

test.each([
  ["plain", true],
  ["😀", true],
  ["a\0b", false],
  ["\ud83d", false],
  ["\ude00\ud83d", false],
])("%j is well-formed: %s", (text, expected) => {
  expect(isWellFormed(text)).toBe(expected);
});

describe("ids", () => {
  const zero = new Uint8Array(16);
  const ones = new Uint8Array(16).fill(255);

  test("128 bits are 22 characters, smallest to largest", () => {
    expect(base62(zero)).toBe("0".repeat(22));
    expect(base62(ones)).toBe("7n42DGM5Tflk9n8mt7Fhc7");
    expect(base62(Uint8Array.of(...zero.subarray(1), 61))).toBe(`${"0".repeat(21)}z`);
  });

  test("a run's id is recognized, anything else is not", () => {
    expect(isRunId(runId(ones))).toBe(true);
    for (const text of [
      "",
      "run_",
      `run_${"a".repeat(21)}`,
      `run_${"a".repeat(21)}/`,
      `x${runId(ones)}`,
    ]) {
      expect(isRunId(text)).toBe(false);
    }
  });

  test("a session's id is a version 4 UUID", () => {
    expect(newUuid(() => ones)).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
  });
});

test.each([
  [0, "turn", "0 turns"],
  [1, "turn", "1 turn"],
  [1, "entry", "1 entry"],
  [1200, "entry", "1,200 entries"],
])("%d of %s is %s", (count, noun, expected) => {
  expect(counted(count, noun)).toBe(expected);
});
