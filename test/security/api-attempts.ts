export const PREFIXES = {
  owner: ["runyard-"],
  a: ["a-"],
  ab: ["ab-", "a-b-"],
  team: ["team"],
  team2: ["team2"],
};

const numbered = <T>(count: number, of: (at: number) => T): [string, T][] =>
  Array.from({ length: count }, (_, at) => [`p${at}`, of(at)]);
const many = <T>(count: number, of: (at: number) => T) => Object.fromEntries(numbered(count, of));

export const own = (id: string, version = "latest") =>
  `projects/pipeline/secrets/${id}/versions/${version}`;

/** Who names what that is somebody else's, or nobody's. */
export const STOLEN: [string, string][] = [
  ["nobody", own("runyard-token")],
  ["", own("runyard-token")],
  ["Owner", own("runyard-token")],
  ["owner ", own("runyard-token")],
  ["own", own("runyard-token")],
  ["owner2", own("runyard-token")],
  ["__proto__", own("runyard-token")],
  ["constructor", own("runyard-token")],
  ["a", own("ab-token")],
  ["a", own("a-b-token")],
  ["a", own("a")],
  ["a", own("A-token")],
  ["ab", own("a-token")],
  ["ab", own("a-bc")],
  ["b", own("a-b-token")],
  ["team", own("team2-token")],
  ["team2", own("team-token")],
  ["owner", own("runyard")],
  ["owner", own("xrunyard-token")],
  ["owner", "projects/other/secrets/runyard-token/versions/1"],
  ["owner", "projects/123456/secrets/runyard-token/versions/1"],
  ["owner", "projects/pipeline2/secrets/runyard-token/versions/1"],
  ["owner", "projects/p/secrets/key/versions/latest"],
  ["owner", own("key")],
];

export const STEERING =
  "GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0 GIT_SSH_COMMAND GIT_EXEC_PATH GIT_EXTERNAL_DIFF " +
  "GIT_PROXY_COMMAND GIT_TEMPLATE_DIR GIT_DIR LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES " +
  "BUN_OPTIONS BUN_INSTALL NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS node_options BASH_ENV ENV env " +
  "PROMPT_COMMAND PS4 SHELLOPTS BASHOPTS BASH_FUNC_x IFS CDPATH PATH path HOME PERL5OPT PERL5LIB PERL5DB " +
  "PERLLIB PYTHONSTARTUP PYTHONPATH PYTHONHOME PYTHONINSPECT PYTHONWARNINGS PYTHONBREAKPOINT RUBYOPT RUBYLIB " +
  "GEM_HOME BUNDLE_GEMFILE JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS CLASSPATH MAVEN_OPTS GRADLE_OPTS " +
  "SBT_OPTS SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE AWS_CA_BUNDLE GIT_SSL_CAINFO " +
  "HTTP_PROXY https_proxy ALL_PROXY no_proxy FTP_PROXY RSYNC_PROXY npm_config_script_shell NPM_CONFIG_REGISTRY " +
  "ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN ANTHROPIC_BASE_URL CLAUDE_CONFIG_DIR CLAUDE_CODE_OAUTH_TOKEN " +
  "RUNYARD_TOKEN GLIBC_TUNABLES MALLOC_TRACE GCONV_PATH LOCPATH HOSTALIASES RES_OPTIONS EDITOR VISUAL PAGER " +
  "GIT_PAGER MANPAGER LESSOPEN LESS SSH_ASKPASS SUDO_ASKPASS SSH_AUTH_SOCK DOCKER_HOST KUBECONFIG CARGO_HOME " +
  "RUSTC_WRAPPER CARGO_BUILD_RUSTC_WRAPPER RUSTFLAGS GOFLAGS GOPROXY MAKEFLAGS CFLAGS LDFLAGS CC CXX LUA_INIT " +
  "LUA_INIT_5_4 PHPRC PHP_INI_SCAN_DIR DOTNET_STARTUP_HOOKS CORECLR_PROFILER COMPlus_x DENO_DIR TMPDIR ZDOTDIR " +
  "INPUTRC XDG_CONFIG_HOME OPENSSL_CONF RIPGREP_CONFIG_PATH ELECTRON_RUN_AS_NODE PIP_INDEX_URL UV_INDEX_URL";
export const ORDINARY =
  "DATABASE_URL GITHUB_TOKEN GITLAB_TOKEN NPM_TOKEN API_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY STRIPE_SECRET_KEY " +
  "SENTRY_DSN REDIS_URL PGPASSWORD SLACK_WEBHOOK GOOGLE_APPLICATION_CREDENTIALS SSH_PRIVATE_KEY CARGO_REGISTRY_TOKEN " +
  "DOCKER_PASSWORD GIT_TOKEN OPENAI_API_KEY MY_PATH HOMEPAGE a _ GOOGLE_API_KEY LIBRARY_KEY USERNAME";

const object = (rest: object) => ({ type: "object", ...rest });
const leaves = (count: number) => ({ properties: many(count, () => ({ type: "string" })) });
/** Schemas of some KB whose work is far more. */
export const SCHEMAS: Record<string, object> = {
  "120 references to 120": object({
    $defs: { l: leaves(120) },
    ...{ properties: many(120, () => ({ $ref: "#/$defs/l" })) },
  }),
  "definitions that refer on": object({
    $defs: many(40, (at) => ({ allOf: Array(20).fill({ $ref: `#/$defs/p${at + 1}` }) })),
    $ref: "#/$defs/p0",
  }),
  "1000 references to 1000": object({
    $defs: { l: leaves(1000) },
    anyOf: Array(1000).fill({ $ref: "#/$defs/l" }),
  }),
  "all of it, unevaluated": object({
    unevaluatedProperties: false,
    allOf: numbered(2000, () => true).map(([name]) => ({ properties: { [name]: true } })),
  }),
  "references to all": object({ properties: many(1000, () => ({ $ref: "#" })) }),
  "dynamic references": object({
    $dynamicAnchor: "a",
    properties: many(1000, () => ({ $dynamicRef: "#a" })),
  }),
  "one definition by many spellings": object({
    $defs: { abcdefgh: leaves(1000) },
    anyOf: Array.from({ length: 256 }, (_, mask) => ({
      $ref: `#/$defs/${[..."abcdefgh"].map((c, at) => ((mask >> at) & 1 ? `%${c.charCodeAt(0).toString(16)}` : c)).join("")}`,
    })),
  }),
  "a pattern that never ends": object({
    patternProperties: { "^(a+)+$": { pattern: "^(a|a)*$" } },
  }),
};

const text = (value: unknown) => JSON.stringify(value);
const servers = (count: number) => ({ mcpServers: many(count, () => 1) });
/** Bodies whose faults, or depth, cost more than they have bytes. */
export const BODIES: Record<string, string> = {
  "lists in lists": "[".repeat(1_000_000) + "]".repeat(1_000_000),
  "objects in objects": `${'{"a":'.repeat(300_000)}1${"}".repeat(300_000)}`,
  "opened and never closed": "[".repeat(2_000_000),
  "50,000 wrong servers": text({ name: "x", settings: servers(50_000) }),
  "a million wrong rules": text({ name: "x", settings: { allowedTools: Array(900_000).fill(1) } }),
  "wrong labels": text({ name: "x", labels: many(90_000, () => "\0") }),
  "unknown names": text(many(100_000, () => 1)),
  "the same name again": `{${'"name":"x",'.repeat(150_000)}"name":1}`,
  "a number without end": `{"name":${"1".repeat(2_000_000)}}`,
  "a string of escapes": `{"name":"${"\\u0061".repeat(300_000)}"}`,
};
/** Heads of requests whose body nobody shall wait for. */
export const UNREAD: [string, string, number][] = [
  ["no key", "POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json", 401],
  [
    "a wrong key",
    "POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Type: application/json",
    401,
  ],
  [
    "another host",
    "POST /v1/runs HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer KEY",
    403,
  ],
  [
    "another origin",
    "POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nAuthorization: Bearer KEY",
    403,
  ],
  [
    "no such path",
    "POST /v1/nothing HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY",
    404,
  ],
  ["no such method", "PUT /v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY", 405],
  [
    "no JSON",
    "POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY\r\nContent-Type: text/plain",
    415,
  ],
  ["nothing to say", "GET /v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer KEY", 200],
  [
    "no token",
    `POST /v1/runs/run_${"0".repeat(22)}/progress HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json`,
    401,
  ],
];
