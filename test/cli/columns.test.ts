import { columnsOf, fitted, table } from "../../cli/columns.ts";

test.each([
  ["abc", 3],
  ["漢字", 4],
  ["e\u0301", 1],
  ["🚀x", 3],
  ["", 0],
])("%j takes %d columns", (text, columns) => {
  expect(columnsOf(text)).toBe(columns);
});

test.each([
  ["abc", 3, "abc"],
  ["abcd", 3, "ab…"],
  ["漢字漢", 4, "漢…"],
  ["漢字", 4, "漢字"],
  ["a🚀", 2, "a…"],
])("%j in %d columns is %j", (text, columns, expected) => {
  expect(fitted(text, columns)).toBe(expected);
  expect(columnsOf(fitted(text, columns))).toBeLessThanOrEqual(columns);
});

test("a table has its columns below each other, and no line is longer than it may be", () => {
  const rows = [
    ["ID", "NAME"],
    ["1", "漢字"],
    ["22", "a longer name"],
  ];
  expect(table(rows, 10)).toEqual(["ID  NAME", "1   漢字", "22  a lon…"]);
  expect(table([], 10)).toEqual([]);
});
