import { matchesGlob } from "node:path";

/** Names of files that hold secrets more often than not, as patterns; see {@link looksSecret}. */
const NAMES = [
  ...[".env", ".env.*", "*.env", ".envrc", ".dev.vars", "secrets.{json,yml,yaml,toml,env}"],
  ...["*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.ppk", "*.jks", "*.keystore", "*.kdbx"],
  ...["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.gpg", "*.ovpn", "*.mobileprovision"],
  ...[".netrc", "_netrc", ".git-credentials", ".pgpass", ".my.cnf", ".htpasswd", ".pypirc"],
  ...[".dockercfg", ".docker/config.json", ".kube/config", "kubeconfig", "*.kubeconfig"],
  ...[".aws/credentials", ".boto", ".s3cfg", ".azure/*", ".config/gcloud/**", "rclone.conf"],
  ...["application_default_credentials.json", "*service[-_]account*.json", "client_secret*.json"],
  ...["credentials", "credentials.json", "*.tfstate", "*.tfstate.backup", "*.tfvars"],
  ...[".terraformrc", ".vault-token", ".vault_pass*", "master.key", "gha-creds-*.json"],
];
/** Names among those of files that hold none. */
const HARMLESS = ["*.{example,sample,template,dist,tmpl}", "*.example.*", "*.sample.*"];
/** What files of other names have in their first bytes, by patterns of their names. */
const CONTENTS: readonly (readonly [string, RegExp])[] = [
  ["{.npmrc,.yarnrc}", /_(authToken|auth|password)\s*["=]/],
  [".yarnrc.yml", /npmAuth(Token|Ident)\s*:/],
  ["{pip.conf,.condarc,.curlrc,.wgetrc}", /:\/\/[^/\s:]+:[^@\s]+@|password|^user/m],
  ["{settings.xml,nuget.config,NuGet.Config}", /<(password|add key="ClearTextPassword")/],
  ["*", /^\s*-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----/],
  ["*.json", /"private_key"\s*:\s*"-----BEGIN/],
];
/** How much of a content is looked at. */
const FIRST_BYTES = 8 * 1024;

/** Whether a file of this name, or with this content, looks as if it held secrets. */
export function looksSecret(path: string, content: Uint8Array): boolean {
  const isNamed = (pattern: string) => {
    if (pattern.includes("/")) return matchesGlob(path, `{${pattern},**/${pattern}}`);
    const name = path.slice(path.lastIndexOf("/") + 1);
    // A star stands for no dot at the beginning.
    return matchesGlob(pattern.startsWith("*") ? name.replace(/^\./, "_") : name, pattern);
  };
  if (NAMES.some(isNamed) && !HARMLESS.some(isNamed)) return true;
  const begin = Buffer.from(content.subarray(0, FIRST_BYTES)).toString("latin1");
  return CONTENTS.some(([pattern, form]) => isNamed(pattern) && form.test(begin));
}
