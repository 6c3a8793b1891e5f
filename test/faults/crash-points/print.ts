import { nameOf } from "../world/fate.ts";
import type { Crash } from "./points.ts";

/** `die after at submitBuild firestore.commit 2` */
export const describeCrash = ({ point: { site, nth }, fate }: Crash): string =>
  `${nameOf(fate)} at ${site} ${nth}`;
