import { bytesText, counted, tokensText, usdText } from "../../../page/words/amounts.ts";

test("amounts are as long as they need to be", () => {
  expect([0, 0.001, 0.83, 18.421].map(usdText)).toEqual([
    "$0.00",
    "under $0.01",
    "$0.83",
    "$18.42",
  ]);
  expect([640, 9_400, 182_300, 999_600].map(tokensText)).toEqual([
    "640",
    "9.4 k",
    "182 k",
    "1.0 M",
  ]);
  expect([812, 38_100, 1_900_000].map(bytesText)).toEqual(["812 B", "38 kB", "1.9 MB"]);
  expect([counted(1, "file"), counted(1200, "file"), counted(2, "child", "children")]).toEqual([
    "1 file",
    "1,200 files",
    "2 children",
  ]);
});
