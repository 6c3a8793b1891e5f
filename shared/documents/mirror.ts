import { sha256 } from "../hash.ts";
import { type Static, Type } from "../schema/type.ts";

/** Where an attempt finds mirrors of its owner's repositories, and leaves them. */
export const MirrorPlace = Type.Object({
  /** What the names of the owner's mirrors begin with; ends in `/`. */
  prefix: Type.String(),
  /** A larger one is neither read nor left. */
  mostBytes: Type.Integer({ minimum: 1 }),
});
export type MirrorPlace = Static<typeof MirrorPlace>;

/** What the names of all mirrors begin with. */
export const MIRRORS_PREFIX = "mirrors/";

/** What the names of an owner's mirrors begin with: nobody else's attempts are told it. */
export const mirrorsPrefix = (owner: string): string => `${MIRRORS_PREFIX}${sha256(owner)}/`;

/** The object of a repository's mirror. @param address `https://HOST/PATH`, as it is asked for */
export const mirrorObject = ({ prefix }: MirrorPlace, address: string): string =>
  `${prefix}${sha256(address)}.pack`;

/** How long a mirror is kept, whatever uses it: then one is left that has nothing old. */
export const MIRROR_DAYS = 30;

export const MIRROR_LIMITS = {
  /** A mirror is left where the host has sent so many bytes, … */
  leastBytes: 32 * 1024 ** 2,
  /** … which are at least this share of all that the checkout has. */
  leastShare: 1 / 8,
  /** Of the room on the runner's disk, what is to be left may take no more than this share. */
  roomShare: 1 / 8,
  /** Seconds for bringing one into the workspace; then the host is asked for everything. */
  bring: 120,
  /** Seconds for leaving one, when the run has its result. */
  leave: 120,
} as const;
