import { jsonPrinter } from "../../cli/json.ts";

const known = { id: true, status: true, labels: true } as const;

/** What is printed of a value. */
function printed(given: string, value: object): string {
  const print = jsonPrinter(given, known);
  let text = "";
  const { write } = process.stdout;
  process.stdout.write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  try {
    print?.(value);
  } finally {
    process.stdout.write = write;
  }
  return text;
}

test("without --json nothing is printed as JSON", () => {
  expect(jsonPrinter(undefined, known)).toBeUndefined();
});

test("all fields, or those that are wanted, in their order", () => {
  const value = { id: "run_1", status: "failed", other: 1 };
  expect(printed("", value)).toBe('{"id":"run_1","status":"failed","other":1}\n');
  expect(printed("status, id", value)).toBe('{"status":"failed","id":"run_1"}\n');
  expect(printed("labels", value)).toBe('{"labels":null}\n');
});

test.each([
  ["statsu", /there is no field statsu; there are id, status, labels/],
  ["id,", /there is no field without a name/],
  ["__proto__", /there is no field __proto__/],
])("--json=%s names the field that there is not", (given, message) => {
  expect(() => jsonPrinter(given, known)).toThrow(message);
});
