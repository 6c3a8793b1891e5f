import { originText } from "../../../page/run/origin.ts";

const tree = { upload: "upl_1", sizeBytes: 1_900_000, sha256: "" };

test.each([
  [null, undefined],
  [{}, undefined],
  [{ workspace: { run: "run_1" }, tree }, "the files that run_1 left"],
  [{ tree }, "a working tree that was sent (1.9 MB)"],
  [
    { tree: { ...tree, commit: "8b137891791fe96927ad", changed: true } },
    "a working tree that was sent (1.9 MB, commit 8b13789179 with changes)",
  ],
])("the request %j began with %j", (request, text) => {
  expect(originText(request)).toBe(text);
});
