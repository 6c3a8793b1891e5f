import { ERRNO, type Machine, REFUSALS } from "../../infra/agent/sandbox/seccomp/refusals.ts";

/** Something that an agent tries in the sandbox. */
export interface Attempt {
  name: string;
  /** Lines of bash; what they print tells how it went. */
  script: string;
  /** What they print when the sandbox holds. */
  holds: RegExp;
}

const MACHINE = process.arch as Machine;

/**
 * A call of the kernel by its number, in Perl, which every Debian has. It prints its error's
 * number.
 */
const call = (number: number, ...given: string[]): string =>
  `perl -e 'my $r = syscall(${[number, ...given].join(", ")}); print $r == -1 ? "errno " . ($! + 0) : "got $r"'`;

const numberOf = (name: string): number =>
  REFUSALS.find((refusal) => refusal.name === name)?.numbers[MACHINE] ?? -1;

const refused = (errno: number): RegExp => new RegExp(`^errno ${errno}$`);

/** Every call that is refused whatever its arguments are. */
const CALLS: Attempt[] = REFUSALS.filter(
  ({ conditions, numbers }) => conditions === undefined && numbers[MACHINE] !== null,
).map(({ name, errno }) => ({
  name: `call ${name}`,
  script: call(numberOf(name), "0", "0", "0", "0", "0"),
  holds: refused(errno),
}));

type ByArgument = [what: string, name: string, given: string[], errno: number];

const CALLS_BY_ARGUMENT: Attempt[] = (
  [
    ["attach to another process", "ptrace", ["16", "getppid()", "0", "0"], ERRNO.EPERM],
    ["seize another process", "ptrace", ["0x4206", "getppid()", "0", "0"], ERRNO.EPERM],
    ...[0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000].flatMap(
      (flag): ByArgument[] => [
        [`unshare ${flag.toString(16)}`, "unshare", [String(flag)], ERRNO.EPERM],
        [`clone ${flag.toString(16)}`, "clone", [String(flag + 17), "0"], ERRNO.EPERM],
      ],
    ),
    ["type into the terminal", "ioctl", ["0", "0x5412", "my $x = 1"], ERRNO.EPERM],
    ["paste into the terminal", "ioctl", ["0", "0x541c", "my $x = 1"], ERRNO.EPERM],
    ["make all that is read executable", "personality", ["0x400000"], ERRNO.EPERM],
    ...Object.entries({ packets: 17, ciphers: 38, machines: 40, bluetooth: 31, netlink: 16 }).map(
      ([what, family]): ByArgument => [
        `socket of ${what}`,
        "socket",
        [`${family}`, "3", "9"],
        ERRNO.EAFNOSUPPORT,
      ],
    ),
    ["much memory of System V", "shmget", ["0", "1 << 30", "01600"], ERRNO.EINVAL],
  ] satisfies ByArgument[]
).map(([name, callName, given, errno]) => ({
  name,
  script: call(numberOf(callName), ...given),
  holds: refused(errno),
}));

const FILES: Attempt[] = [
  "/proc/sys/kernel/core_pattern",
  "/proc/sys/kernel/modprobe",
  "/proc/sys/vm/drop_caches",
  "/proc/sys/vm/overcommit_memory",
  "/proc/sys/net/ipv4/ip_forward",
  "/proc/sys/fs/binfmt_misc/register",
  "/proc/sys/user/max_user_namespaces",
  "/proc/sysrq-trigger",
  "/proc/pressure/memory",
  "/proc/irq/default_smp_affinity",
  "/proc/self/uid_map",
  "/proc/self/oom_score_adj",
  "/proc/1/mem",
  "/proc/$PPID/mem",
  "/proc/self/mem",
  "/sys/fs/cgroup/cgroup.procs",
  "/sys/kernel/uevent_helper",
  "/etc/passwd",
  "/etc/hosts",
  "/usr/bin/env",
  "/opt/runyard/node",
  "/opt/runyard/relay.mjs",
].map((path) => ({
  name: `write ${path}`,
  script: `(exec 9<>"${path}") 2>/dev/null && echo opened || echo no`,
  holds: /^no$/,
}));

const HIDDEN: Attempt[] = [
  "/root",
  "/var",
  "/sys/kernel",
  "/boot",
  "/mnt",
  "/media",
  "/srv",
  "/etc/shadow",
  "/proc/1/root/root",
  "/proc/$PPID/root/var",
  "/proc/1/cwd/../../var",
  "/run/dbus",
  "/run/docker.sock",
  "/var/run/docker.sock",
  "/dev/mem",
  "/dev/kmsg",
  "/dev/kvm",
  "/dev/fuse",
  "/dev/vda",
  "/dev/sda",
].map((path) => ({
  name: `see ${path}`,
  script: `[ -e "${path}" ] && echo there || echo no`,
  holds: /^no$/,
}));

const RIGHTS: Attempt[] = [
  {
    name: "be a user of the machine",
    script: "id -u; id -G; grep -c 1000 /proc/self/uid_map; grep ^Cap /proc/self/status | sort -u",
    holds: /^1000\n1000\n1\nCapAmb:\t0+\nCapBnd:\t0+\nCapEff:\t0+\nCapInh:\t0+\nCapPrm:\t0+$/,
  },
  {
    name: "get rights from a program",
    script: "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status",
    holds: /^NoNewPrivs:\t1\nSeccomp:\t2$/,
  },
  {
    name: "be filtered less as the first process",
    script: "grep -hE '^Seccomp:' /proc/[0-9]*/status | sort -u",
    holds: /^Seccomp:\t2$/,
  },
  {
    name: "use su, sudo or mount",
    script:
      "for p in su mount umount passwd; do $p x </dev/null >/dev/null 2>&1 && echo $p; done; echo no",
    holds: /^no$/,
  },
  {
    name: "make a device",
    script: "mknod /tmp/x b 254 0 2>/dev/null && echo made || echo no",
    holds: /^no$/,
  },
  {
    name: "follow a link out of the workspace",
    script:
      "ln -s /root /workspace/out; ls /workspace/out/ 2>/dev/null && echo seen; rm /workspace/out; echo no",
    holds: /^no$/,
  },
  {
    name: "see or signal a process of the machine",
    script:
      "ls /proc | grep -cE '^[0-9]+$' | awk '{ print ($1 < 15) ? \"few\" : \"many\" }'; kill -0 1 && echo; kill -9 1; echo alive",
    holds: /^few\s+alive$/,
  },
  {
    name: "raise what it may use",
    script:
      "ulimit -c 100 2>/dev/null && echo core; ulimit -n 100000 2>/dev/null && echo files; echo no",
    holds: /^no$/,
  },
  {
    name: "find a descriptor of the runner",
    script:
      "for p in /proc/[0-9]*; do for f in $p/fd/*; do readlink $f; done; done 2>/dev/null | grep -vE '^(pipe|socket|anon_inode):|^/dev/|^/proc/|^/workspace/' ; echo none",
    holds: /^none$/,
  },
  {
    name: "find another network than loopback",
    script: "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; wc -l </proc/net/route",
    holds: /^lo\n1$/,
  },
  {
    name: "read the variables of the runner",
    script: "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c RUNYARD_TEST_SECRET",
    holds: /^0$/,
  },
];

/** All that is tried in one sandbox, one after the other. */
export const ATTEMPTS: readonly Attempt[] = [
  ...CALLS,
  ...CALLS_BY_ARGUMENT,
  ...FILES,
  ...HIDDEN,
  ...RIGHTS,
];

/** What programs need, and what therefore has to work. */
export const NEEDS: readonly Attempt[] = [
  {
    name: "a debugger of its own child",
    script: call(101, "0", "0", "0", "0").replace(/^/, MACHINE === "x64" ? "" : "true; "),
    holds: MACHINE === "x64" ? /^got 0$/ : /./,
  },
  {
    name: "a pseudo-terminal",
    script: "script -qec 'tty' /dev/null </dev/null | tr -d '\\r'",
    holds: /^\/dev\/pts\/\d+/,
  },
  {
    name: "threads and child processes of Node",
    script:
      '/opt/runyard/node -e \'const { Worker } = require("node:worker_threads"); new Worker("console.log(require(`node:child_process`).execSync(`echo child`).toString())", { eval: true })\'',
    holds: /^child/,
  },
  { name: "shared memory", script: "echo x >/dev/shm/a && cat /dev/shm/a", holds: /^x$/ },
  {
    name: "a file to run",
    script: "cp /usr/bin/true ./t && ./t && rm t && echo ran",
    holds: /^ran$/,
  },
  {
    name: "a server on loopback",
    script:
      '/opt/runyard/node -e \'const s = require("net").createServer((c) => c.end("hi")).listen(0, () => require("net").connect(s.address().port, "127.0.0.1").on("data", (d) => { console.log(String(d)); s.close(); }))\'',
    holds: /^hi$/,
  },
];
