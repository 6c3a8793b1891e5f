import { RUN_LIMITS } from "../limits.ts";
import { Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";

const MOST_STARS = 4;
const MOST_BRACES = 2;

/**
 * Of paths in a workspace, as Node's `path.matchesGlob` takes them. What makes matching dear, as
 * many wildcards in one or ranges, is refused: an agent chooses the paths.
 */
const ArtifactPattern = Type.String({
  ...formed({
    pattern: `^(?!\\s*$)(?!/)(?!\\./)(?![\\s\\S]*(?:\\.\\.|//|/\\./))(?!(?:[^*]*\\*+(?!\\*)){${MOST_STARS + 1}})(?!(?:[^{]*\\{){${MOST_BRACES + 1}})[^\\\\()\\u0000-\\u001f\\u007f]+(?<!/)$`,
    form: `a path below the workspace, with *, ?, [a-z], {a,b} and ** for any folders; at most ${MOST_STARS} of * and ${MOST_BRACES} of {}, no "..", no parenthesis, no backslash, and no "/" at an end`,
    example: "dist/**",
  }),
  maxLength: 200,
});

/** Which files of the workspace a run keeps as artifacts. */
export const ArtifactPatterns = Type.Array(ArtifactPattern, {
  maxItems: RUN_LIMITS.artifactPatterns,
  description:
    "Files of the workspace that are kept as artifacts, files/PATH, as they are at the run's end. What begins with a dot must be written.",
});
