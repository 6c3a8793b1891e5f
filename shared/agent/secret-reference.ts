import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";

/** A secret by its name; its value is read where a build is started, and nowhere else. */
export const SecretReference = Type.Object(
  {
    secret: Type.String({
      ...formed({
        pattern:
          "^projects/[a-z0-9:.-]{1,64}/secrets/[A-Za-z0-9_-]{1,255}/versions/[a-z0-9-]{1,63}$",
        form: "a version of a secret, projects/PROJECT/secrets/ID/versions/VERSION",
        example: "projects/my-project/secrets/my-token/versions/latest",
      }),
      description: "projects/P/secrets/S/versions/V in Secret Manager.",
    }),
  },
  { additionalProperties: false },
);
export type SecretReference = Static<typeof SecretReference>;
