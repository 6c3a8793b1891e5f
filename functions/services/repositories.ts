import type { AgentSettings } from "../../shared/agent/settings.ts";
import type { RepositoryLook } from "../../shared/api/dry-run.ts";

/** Repositories that runs begin with, as everybody sees them. */
export interface Repositories {
  /** What answers there, within seconds; one that cannot be reached is no error. */
  look(repository: NonNullable<AgentSettings["repository"]>): Promise<RepositoryLook>;
}
