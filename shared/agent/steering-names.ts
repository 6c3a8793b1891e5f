/*
 * Variables by which somebody who gives an agent a secret would steer a program instead: the runner,
 * a loader, a shell, git, an interpreter. There is no list of all, so whole families are refused: what
 * belongs to a program by the first word of its name, and what names a kind of setting anywhere in it.
 * All in upper case: programs differ in which case they read, people do not in what they mean.
 */

/** Names that steer by themselves. */
const NAMES = new Set([
  "API_TIMEOUT_MS",
  "AR",
  "AS",
  "BASHOPTS",
  "BROWSER",
  "CC",
  "CDPATH",
  "CLASSPATH",
  "CLOUD_BUILD_STEP",
  "CPATH",
  "CPP",
  "CXX",
  "DISABLE_AUTOUPDATER",
  "DISPLAY",
  "EDITOR",
  "ENV",
  "FCEDIT",
  "FIGNORE",
  "FPATH",
  "GLOBIGNORE",
  "HISTFILE",
  "HOME",
  "HOSTALIASES",
  "IFS",
  "INFOPATH",
  "INPUTRC",
  "IS_SANDBOX",
  "KUBECONFIG",
  "LANG",
  "LANGUAGE",
  "LD",
  "LIBPATH",
  "LOCPATH",
  "LOGNAME",
  "MAIL",
  "MAILPATH",
  "MANPATH",
  "NLSPATH",
  "NULLCMD",
  "OLDPWD",
  "PAGER",
  "PATH",
  "PATHEXT",
  "PERLLIB",
  "PHPRC",
  "POSIXLY_CORRECT",
  "PWD",
  "READNULLCMD",
  "RES_OPTIONS",
  "RUSTC",
  "RUSTDOC",
  "SHELL",
  "SHELLOPTS",
  "SHLVL",
  "SUDO_ASKPASS",
  "TERM",
  "TERMCAP",
  "TERMINFO",
  "TMP",
  "TEMP",
  "TEMPDIR",
  "TMPDIR",
  "TMPPREFIX",
  "TZ",
  "TZDIR",
  "USER",
  "VISUAL",
  "XAUTHORITY",
  "ZDOTDIR",
]);

/**
 * First words of names, up to `_`: of what starts an agent, or everything. Nothing of it is given.
 */
const OURS = new Set(["ANTHROPIC", "BUN", "CLAUDE", "DYLD", "LD", "NODE", "RUNYARD"]);

/** The same of other programs, whose credentials may be given, see {@link CREDENTIAL}. */
const PROGRAMS = new Set([
  "AUTOSSH",
  "BASH",
  "BASHRC",
  "BUNDLE",
  "BUNDLER",
  "CARGO",
  "CLICOLOR",
  "CMAKE",
  "COMPLUS",
  "CORECLR",
  "CURL",
  "DBUS",
  "DEBUGINFOD",
  "DENO",
  "DOCKER",
  "DOTNET",
  "ELECTRON",
  "GCC",
  "GCONV",
  "GEM",
  "GIO",
  "GIT",
  "GLIBC",
  "GNUPG",
  "GO111MODULE",
  "GRADLE",
  "HTTPOXY",
  "JAVA",
  "JDK",
  "JRE",
  "KRB5",
  "LC",
  "LESS",
  "LIBC",
  "LLVM",
  "LUA",
  "MAKE",
  "MALLOC",
  "MAVEN",
  "MSBUILD",
  "NIX",
  "NUGET",
  "OPENSSL",
  "PERL",
  "PERL5",
  "PERL5DB",
  "PERL5LIB",
  "PERL5OPT",
  "PERLIO",
  "PHP",
  "PIP",
  "PKG",
  "PNPM",
  "POETRY",
  "PROMPT",
  "PYENV",
  "PYTEST",
  "PYTHON",
  "RIPGREP",
  "RUBY",
  "RUSTC",
  "RUSTUP",
  "SSH",
  "SSL",
  "SYSTEMD",
  "TAR",
  "UV",
  "VIRTUAL",
  "WGET",
  "XDG",
  "YARN",
  "ZSH",
]);

/** Beginnings of names whose programs put no `_` behind their own. */
const BEGINNINGS = [
  "BASH_",
  "BASH_FUNC_",
  "GOFLAGS",
  "GOPATH",
  "GOPROXY",
  "GOROOT",
  "GOSUMDB",
  "LESS",
  "LUA_",
  "NPM_CONFIG_",
  "NPM_LIFECYCLE_",
  "NPM_PACKAGE_",
  "PERL5",
  "PYTHON",
  "RUBYLIB",
  "RUBYOPT",
  "RUSTFLAGS",
  "_JAVA_",
  "__",
];

/** How words end that name a kind of setting: `MAVEN_OPTS`, `JAVA_TOOL_OPTIONS`, `MANPAGER`. */
const KINDS = [
  "ASKPASS",
  "CMDLINE",
  "EDITOR",
  "EXECPATH",
  "FLAGS",
  "OPTIONS",
  "OPTS",
  "PAGER",
  "PRELOAD",
  "PROXY",
  "RCFILE",
  "SHELL",
  "STARTUP",
  "TOOLEXEC",
  "WRAPPER",
];

/** Ends of names: of whom a program trusts, where it loads from, what it runs. */
const ENDS = [
  /(^|_)CA_?(BUNDLE|CERTS?|FILE|INFO|PATH)$/,
  /_CERT_?(DIR|FILE|PATH|STORE)$/,
  /(^|_)CLASS_?PATH$/,
  /(^|_)(LIBRARY|LIB|INCLUDE|MODULE|PLUGIN|LOAD|EXEC|DATA)_PATH$/,
  /(^|_)(AGENT|AUTH)_SOCK$/,
  /^PS\d$/,
];

/** Ends of names of what is only handed on: `CARGO_REGISTRY_TOKEN`, `SSH_PRIVATE_KEY`. */
const CREDENTIAL = /_(TOKEN|PASSWORD|SECRET|API_KEY|PRIVATE_KEY)$/;

/** What is said of a variable that {@link steersPrograms}. */
export const STEERING = "is set by the runner, or steers programs; choose another name";

/** Whether a variable of this name does more than carry a value to whoever asks for it. */
export function steersPrograms(variable: string): boolean {
  const name = variable.toUpperCase();
  const words = name.split("_");
  const [program = ""] = words;
  if (NAMES.has(name) || (words.length > 1 && OURS.has(program))) return true;
  if (CREDENTIAL.test(name)) return false;
  return (
    (words.length > 1 && PROGRAMS.has(program)) ||
    BEGINNINGS.some((beginning) => name.startsWith(beginning)) ||
    words.some((word) => KINDS.some((kind) => word.endsWith(kind))) ||
    ENDS.some((end) => end.test(name))
  );
}
