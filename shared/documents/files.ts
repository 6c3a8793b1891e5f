import { RUN_LIMITS } from "../limits.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { UploadId } from "./upload.ts";

const path = Type.String({
  ...formed({
    pattern: "^(?!\\s*$)[^/\\\\]",
    form: "a path below the workspace, with / between its names",
    example: "docs/notes.md",
  }),
  maxLength: RUN_LIMITS.filePathBytes,
  description: `Where it is put, below the workspace; at most ${RUN_LIMITS.filePathBytes} bytes of UTF-8.`,
});
const executable = Type.Optional(
  Type.Boolean({ description: "Whether it may be executed. Default: false." }),
);

/** What a run's workspace begins with. */
export const GivenWorkspace = Type.Object(
  {
    run: Type.String({
      ...formed({
        pattern: "^run_[0-9A-Za-z]{22}$",
        form: "the id of a run",
        example: "run_2MApo7WXve5lCHoJCSaJKN",
      }),
      description: "A finished run: its files are what this one begins with, and not its session.",
    }),
  },
  { additionalProperties: false },
);
export type GivenWorkspace = Static<typeof GivenWorkspace>;

/** A file that a request brings along. */
const GivenFile = Type.Object(
  {
    path,
    content: Type.Optional(Type.String({ description: "What is in it, as text." })),
    base64: Type.Optional(
      Type.String({ description: "The same of a file that is not text, in base64." }),
    ),
    upload: Type.Optional(UploadId),
    executable,
  },
  { additionalProperties: false },
);
export type GivenFile = Static<typeof GivenFile>;

/** The files of a request. */
export const GivenFiles = Type.Array(GivenFile, {
  maxItems: RUN_LIMITS.files,
  description: `Files that are put into the workspace before the agent begins, each with \`content\`, \`base64\` or \`upload\`. They replace what is there. Those in the request have at most ${RUN_LIMITS.filesBytes} bytes together, the uploaded ones ${RUN_LIMITS.uploadBytes}.`,
});

/** A file of a request, as `GET /v1/runs/{id}/request` tells of it. */
export const FileOfRequest = Type.Object({
  path: Type.String(),
  sizeBytes: Type.Integer(),
  sha256: Type.String(),
  executable: Type.Boolean(),
});

/** The same with its content, as it is stored with the request and given to the runner. */
export const PlacedFile = Type.Object({
  ...FileOfRequest.properties,
  /** Text as it is, bytes in base64, or the name of the object that has it. */
  content: Type.String(),
  encoding: Type.Enum(["utf8", "base64", "object"]),
});
export type PlacedFile = Static<typeof PlacedFile>;

/** What is in a file; undefined: it is in an object. */
export const bytesOf = ({ content, encoding }: PlacedFile): Buffer | undefined =>
  encoding === "object" ? undefined : Buffer.from(content, encoding);
