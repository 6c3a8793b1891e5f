import { typed } from "../../cli/typed.ts";

test.each([
  ["npx runyard start", ["start"], { state: ".runyard" }],
  ["npx runyard start --state elsewhere", ["start"], { state: "elsewhere" }],
  ["npx runyard start --live --state '/a b/it'\\''s'", ["start", "--live"], { state: "/a b/it's" }],
  ["npx runyard watch run_1", ["watch", "run_1"], { state: ".runyard" }],
  [
    "npx runyard list --url http://h:1/v1 --key-file k",
    ["list"],
    { url: "http://h:1/v1", keyFile: "k" },
  ],
  ["npx runyard list --profile work", ["list"], { profile: "work", state: undefined }],
])("%s", (expected, words, place) => {
  expect(typed(words, place)).toBe(expected);
});
