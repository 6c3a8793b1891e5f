import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { TSchema } from "../../../shared/schema/type.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";

const SHARED = join(import.meta.dirname, "../../../shared");

/** Everything in `shared/` that is exported and looks like a JSON Schema, by name. */
async function exportedSchemas(): Promise<[string, TSchema][]> {
  const files = readdirSync(SHARED, { recursive: true, encoding: "utf8" });
  const modules = await Promise.all(
    files.filter((file) => file.endsWith(".ts")).map((file) => import(join(SHARED, file))),
  );
  const isSchema = (value: unknown) =>
    typeof value === "object" && value !== null && ("anyOf" in value || "properties" in value);
  return modules.flatMap((exports) =>
    Object.entries<TSchema>(exports).filter(([, value]) => isSchema(value)),
  );
}

const byMetaSchema = (schema: object) => new Ajv2020({ strict: false }).validateSchema(schema);

test("every schema of ours is one by the meta-schema, which is not asked at run time", async () => {
  const schemas = await exportedSchemas();
  expect(schemas.map(([name]) => name)).toEqual(
    expect.arrayContaining(["Run", "CreateRun", "Manifest"]),
  );
  for (const [name, schema] of schemas) expect([name, byMetaSchema(schema)]).toEqual([name, true]);
  expect(byMetaSchema({ type: "objekt" })).toBe(false);
});

test("every schema of ours holds known keywords and formats only", async () => {
  for (const [, schema] of await exportedSchemas()) {
    expect(() => validatorOf(schema)(undefined)).not.toThrow();
  }
  const unknown = { type: "string", maxLenght: 1 } as unknown as TSchema;
  expect(() => validatorOf(unknown)("")).toThrow("maxLenght");
});
