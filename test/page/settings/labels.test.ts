import { labelsOf, labelsText, wrongLabels } from "../../../page/settings/labels.ts";

test.each([
  { team: "docs", ticket: "RY-231" },
  { note: "two words", empty: "", quoted: '"so"', lines: "a\nb", colon: "a:b" },
  {},
])("labels are written and read unchanged: %j", (labels) => {
  expect(wrongLabels(labelsText(labels))).toBeUndefined();
  expect(labelsOf(labelsText(labels))).toEqual(labels);
});

test.each(["team", ":docs", "team:docs other"])("%s is no list of labels", (text) => {
  expect(wrongLabels(text)).toMatch(/key:value/);
});
