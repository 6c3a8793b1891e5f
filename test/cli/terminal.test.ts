import fc from "fast-check";
import { jsonLine, printable } from "../../cli/terminal.ts";

test("JSON for a terminal steers none, and says the same", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const line = jsonLine({ text });
      expect(line).toBe(printable(line).replaceAll("\u{fffd}", () => "\u{fffd}"));
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(JSON.parse(line)).toEqual({ text });
    }),
  );
});

test.each([
  ["\u001b[2J", '"\\u001b[2J"'],
  ["a\u202eb", '"a\\u202eb"'],
  ["\u{e0001}", '"\\udb40\\udc01"'],
  ["plain é 漢", '"plain é 漢"'],
])("%j is escaped where it must be", (text, expected) => {
  expect(jsonLine(text)).toBe(expected);
});
