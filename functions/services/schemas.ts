import type { OutputSchema } from "../../shared/agent/output-schema.ts";

/** Looks at schemas that callers give. */
export interface SchemaChecks {
  /**
   * What makes a schema unusable for a run's output, or undefined. Nobody else waits for it.
   *
   * @throws {AppError} unavailable while too many are being looked at
   */
  fault(owner: string, schema: OutputSchema): Promise<string | undefined>;
}
