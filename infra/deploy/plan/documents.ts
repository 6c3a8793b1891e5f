import { readFileSync } from "node:fs";
import type { Argument, Resource } from "../resource.ts";
import type { Stack } from "./stack.ts";

const DATABASE = "(default)";

interface IndexField {
  fieldPath: string;
  order?: string;
  arrayConfig?: string;
}

/** What `firestore.indexes.json` says. */
interface IndexFile {
  indexes: { collectionGroup: string; queryScope: string; fields: IndexField[] }[];
  fieldOverrides: {
    collectionGroup: string;
    fieldPath: string;
    ttl?: boolean;
    indexes: { order?: string; arrayConfig?: string; queryScope: string }[];
  }[];
}

const fileOf = (name: string): string =>
  readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");

/** The database with its indexes, what is not indexed, what expires, and who may listen. */
export function documentResources({ settings: { project, region } }: Stack): Resource[] {
  const file = JSON.parse(fileOf("firestore.indexes.json")) as IndexFile;
  const database: Resource = {
    name: "database",
    type: "firestore.Database",
    args: {
      project,
      name: DATABASE,
      locationId: region,
      type: "FIRESTORE_NATIVE",
      deleteProtectionState: "DELETE_PROTECTION_ENABLED",
      pointInTimeRecoveryEnablement: "POINT_IN_TIME_RECOVERY_ENABLED",
      deletionPolicy: "ABANDON",
    },
    after: ["api-firestore"],
    isData: true,
  };
  return [
    database,
    ...file.indexes.map((index) => indexOf(project, index)),
    ...file.fieldOverrides.map((field) => fieldOf(project, field)),
    ...ruleResources(project),
  ];
}

function indexOf(
  project: string,
  { collectionGroup, queryScope, fields }: IndexFile["indexes"][number],
): Resource {
  const paths = fields.map(({ fieldPath, order }) =>
    order === "DESCENDING" ? `${fieldPath}-desc` : fieldPath,
  );
  return {
    name: ["index", collectionGroup, ...paths].join("-"),
    type: "firestore.Index",
    args: {
      project,
      database: DATABASE,
      collection: collectionGroup,
      queryScope,
      fields: fields.map((field) => ({ ...field })),
    },
    after: ["database"],
  };
}

function fieldOf(
  project: string,
  { collectionGroup, fieldPath, ttl = false, indexes }: IndexFile["fieldOverrides"][number],
): Resource {
  const ttlConfig: Record<string, Argument> = ttl ? { ttlConfig: {} } : {};
  return {
    name: ["field", collectionGroup, fieldPath === "*" ? "all" : fieldPath].join("-"),
    type: "firestore.Field",
    args: {
      project,
      database: DATABASE,
      collection: collectionGroup,
      field: fieldPath,
      indexConfig: { indexes: indexes.map((index) => ({ ...index })) },
      ...ttlConfig,
    },
    after: ["database"],
  };
}

function ruleResources(project: string): Resource[] {
  const content = fileOf("firestore.rules");
  return [
    {
      name: "rules",
      type: "firebaserules.Ruleset",
      args: { project, source: { files: [{ name: "firestore.rules", content }] } },
      after: ["database", "api-firebaserules"],
    },
    {
      name: "rules-release",
      type: "firebaserules.Release",
      args: {
        project,
        name: "cloud.firestore",
        rulesetName: { ref: "rules", output: "name" },
      },
    },
  ];
}
