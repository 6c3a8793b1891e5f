import type { Expected } from "./differences.ts";
import type { Cloud } from "./world.ts";

// biome-ignore lint/suspicious/noExplicitAny: each class of Pulumi's has arguments of its own
export type Args = any;

/** How the resources of a class of Pulumi's are looked at. */
export interface ResourceRow {
  /** For a person. */
  name: string;
  /** Module and class of Pulumi's, as the plan has it. */
  type: string;
  /** Asks Google for it; undefined: it is not there. */
  find(args: Args, cloud: Cloud): Promise<unknown>;
  /** What the answer must have; absent: it is enough that it is there. */
  expected?(args: Args, cloud: Cloud): Expected;
  /** Mends what was found, where it is not deploying that does. */
  remedy?(found: Args, cloud: Cloud): string | undefined;
}

type Find = ResourceRow["find"];

/** Asks for the thing itself. */
export const at =
  (address: (args: Args, cloud: Cloud) => string): Find =>
  (args, cloud) =>
    cloud.google.get(address(args, cloud));

/** Looks for it in a list. */
export const among =
  (
    list: (args: Args, cloud: Cloud) => { url: string; key: string },
    isSame: (args: Args, item: Args) => boolean,
  ): Find =>
  async (args, cloud) => {
    const { url, key } = list(args, cloud);
    return (await cloud.google.list(url, key)).find((item) => isSame(args, item));
  };
