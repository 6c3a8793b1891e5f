import { type Static, Type } from "../schema/type.ts";

/**
 * Why something that is in the workspace is not in what is kept of it, and how a sentence says so.
 */
export const OMISSION_CAUSES = {
  /** The file has more bytes than a patch may hold of one. */
  too_large: "too large",
  /** Others were before it. */
  too_many: "no room left",
  /** Even by its owner. */
  unreadable: "cannot be read",
  /** On this system or on another. */
  name_refused: "git refuses the name",
  /** Longer than a system opens. */
  path_too_long: "the path is too long",
  not_a_file: "a pipe, a socket or a device",
  /** Git's own data; the repository's files are kept. */
  repository: "data of a repository of its own",
} as const;
export type OmissionCause = keyof typeof OMISSION_CAUSES;

/** Something that the run left in its workspace and that is not kept. */
export const Omission = Type.Object({
  path: Type.String({
    description: "A folder's ends in `/`. A long one is shown without its middle.",
  }),
  why: Type.Enum(Object.keys(OMISSION_CAUSES) as OmissionCause[], {
    description: Object.entries(OMISSION_CAUSES)
      .map(([cause, words]) => `${cause}: ${words}`)
      .join("; "),
  }),
});
export type Omission = Static<typeof Omission>;

/** All of them. */
export const Omissions = Type.Object({
  files: Type.Array(Omission, { description: "What git tracks or does not ignore; the first." }),
  moreFiles: Type.Integer({ minimum: 0, description: "Further ones." }),
  ignoredFiles: Type.Integer({ minimum: 0, description: "How many there are that git ignores." }),
});
export type Omissions = Static<typeof Omissions>;

/** Why a file that a pattern matches is no artifact, and how a sentence says so. */
export const ARTIFACT_GAP_CAUSES = {
  too_large: "too large",
  too_many: "no room left",
  unreadable: "cannot be read",
  /** Not UTF-8, or with a control character or a backslash. */
  name_refused: "its name",
  link: "a link",
} as const;

/** A file that a pattern matches and that is no artifact. */
export const ArtifactGap = Type.Object({
  path: Type.String(),
  why: Type.Enum(Object.keys(ARTIFACT_GAP_CAUSES) as (keyof typeof ARTIFACT_GAP_CAUSES)[]),
});
export type ArtifactGap = Static<typeof ArtifactGap>;

/** What is missing among a run's artifacts. */
export const ArtifactGaps = Type.Object({
  unmatched: Type.Array(Type.String(), { description: "Patterns that no file matches." }),
  leftOut: Type.Array(ArtifactGap, {
    description: "Files that match and are not kept; the first.",
  }),
  more: Type.Integer({ minimum: 0, description: "Further ones." }),
});
export type ArtifactGaps = Static<typeof ArtifactGaps>;
