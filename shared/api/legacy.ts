import type { Operation } from "./operation.ts";

export const LEGACY_OPERATIONS: readonly Operation[] = [];
