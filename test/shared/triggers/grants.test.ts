import { isGranted } from "../../../shared/triggers/grants.ts";

const GRANTS = [
  { source: "//storage/in", type: "stored", subject: "objects/a/", owners: ["ann"] },
  { source: "*", type: "built", owners: ["*"] },
];

test.each([
  [
    "what a row says",
    "ann",
    { type: "stored", source: "//storage/in", subject: "objects/a/b" },
    true,
  ],
  [
    "a wider subject",
    "ann",
    { type: "stored", source: "//storage/in", subject: "objects/" },
    false,
  ],
  ["no subject", "ann", { type: "stored", source: "//storage/in" }, false],
  ["any source", "ann", { type: "stored", subject: "objects/a/b" }, false],
  [
    "another type",
    "ann",
    { type: "erased", source: "//storage/in", subject: "objects/a/b" },
    false,
  ],
  [
    "another owner",
    "bob",
    { type: "stored", source: "//storage/in", subject: "objects/a/b" },
    false,
  ],
  ["what is everybody's", "bob", { type: "built" }, true],
])("%s", (...[, owner, asked, isTheirs]) => {
  expect(isGranted(GRANTS, owner, asked)).toBe(isTheirs);
  expect(isGranted([], owner, asked)).toBe(false);
});
