// What no program in the sandbox may ask of the kernel. The sandbox's user has no capability, so
// most of this would be refused anyway: but how much of the kernel an agent can talk to decides
// what a fault in it is worth. All else is allowed: compilers, browsers, package managers and
// debuggers of one's own children need very different things.

/** Error numbers of Linux, the same on both machines. */
export const ERRNO = { EPERM: 1, EINVAL: 22, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;

/** Machines by Node's names, with the kernel's name for their system calls (`AUDIT_ARCH_…`). */
export const MACHINES = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
export type Machine = keyof typeof MACHINES;

/**
 * When an argument makes a call refused. Arguments that the kernel takes as 32 bits are compared as
 * such: what a program puts into the upper half changes nothing.
 */
export type Condition = {
  /** Which argument, from 0. */
  argument: number;
  /** Only if another argument is this. */
  when?: { argument: number; is: number };
} & (
  | { isOneOf: readonly number[] }
  | { isNoneOf: readonly number[] }
  | { hasAnyOf: number }
  /** As 64 bits. */
  | { isAbove: number }
);

export interface Refusal {
  name: string;
  /** Its number on each machine; null where there is no such call. */
  numbers: Readonly<Record<Machine, number | null>>;
  errno: number;
  /** Refused if one of these holds. Default: always. */
  conditions?: readonly Condition[];
}

/** The newest call that was looked at; a kernel's newer ones do not exist for the sandbox. */
export const NEWEST_CALL = 466;
/** On x86_64, calls of the x32 ABI have this bit. */
export const X32_BIT = 0x40000000;

type Row = readonly [name: string, x64: number | null, arm64: number | null];

const refuse = (
  rows: readonly Row[],
  errno: number = ERRNO.EPERM,
  conditions?: readonly Condition[],
): Refusal[] =>
  rows.map(([name, x64, arm64]) => ({
    name,
    numbers: { x64, arm64 },
    errno,
    ...(conditions && { conditions }),
  }));

/**
 * `CLONE_NEWNS`, `…CGROUP`, `…UTS`, `…IPC`, `…USER`, `…PID`, `…NET`; and `…TIME`, which `clone` has
 * not.
 */
const NEW_NAMESPACE = 0x7e020000;
const NEW_TIME_NAMESPACE = 0x80;
const PTRACE_ATTACH = 16;
const PTRACE_SEIZE = 0x4206;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/**
 * To ask; Linux; the same without randomness, for debuggers; 32 bits; with an older kernel's name.
 */
const HARMLESS_PERSONALITIES = [0xffffffff, 0, 0x40000, 0x8, 0x20000, 0x20008];
const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
const NETLINK_ROUTE = 0;
/**
 * Memory of System V is counted nowhere; databases ask for a few bytes, to see who else is there.
 */
const SYSTEM_V_BYTES = 64 * 1024;

const OTHER_PROCESSES: readonly Row[] = [
  ["process_vm_readv", 310, 270],
  ["process_vm_writev", 311, 271],
  ["pidfd_getfd", 438, 438],
  ["kcmp", 312, 272],
  ["process_madvise", 440, 440],
  ["migrate_pages", 256, 238],
  ["move_pages", 279, 239],
];

const KERNEL: readonly Row[] = [
  ["add_key", 248, 217],
  ["request_key", 249, 218],
  ["keyctl", 250, 219],
  ["bpf", 321, 280],
  ["userfaultfd", 323, 282],
  ["perf_event_open", 298, 241],
  ["memfd_secret", 447, 447],
  ["fanotify_init", 300, 262],
  ["name_to_handle_at", 303, 264],
  ["open_by_handle_at", 304, 265],
  ["lookup_dcookie", 212, 18],
  ["nfsservctl", 180, 42],
  ["syslog", 103, 116],
];

const MOUNTS: readonly Row[] = [
  ["mount", 165, 40],
  ["umount2", 166, 39],
  ["move_mount", 429, 429],
  ["open_tree", 428, 428],
  ["fsopen", 430, 430],
  ["fsconfig", 431, 431],
  ["fsmount", 432, 432],
  ["fspick", 433, 433],
  ["mount_setattr", 442, 442],
  ["pivot_root", 155, 41],
  ["chroot", 161, 51],
  ["setns", 308, 268],
  ["quotactl", 179, 60],
  ["quotactl_fd", 443, 443],
  ["swapon", 167, 224],
  ["swapoff", 168, 225],
];

const MACHINE: readonly Row[] = [
  ["clock_settime", 227, 112],
  ["settimeofday", 164, 170],
  ["adjtimex", 159, 171],
  ["clock_adjtime", 305, 266],
  ["kexec_load", 246, 104],
  ["kexec_file_load", 320, 294],
  ["create_module", 174, null],
  ["query_module", 178, null],
  ["init_module", 175, 105],
  ["finit_module", 313, 273],
  ["delete_module", 176, 106],
  ["reboot", 169, 142],
  ["acct", 163, 89],
  ["iopl", 172, null],
  ["ioperm", 173, null],
  ["vhangup", 153, 58],
  ["sethostname", 170, 161],
  ["setdomainname", 171, 162],
  ["_sysctl", 156, null],
  ["uselib", 134, null],
];

/** Programs that are told that these do not exist do without. */
const DONE_WITHOUT: readonly Row[] = [
  ["io_uring_setup", 425, 425],
  ["io_uring_enter", 426, 426],
  ["io_uring_register", 427, 427],
  // Its flags lie in memory, where no filter looks; libraries fall back to clone.
  ["clone3", 435, 435],
];

const BY_ARGUMENT: readonly Refusal[] = [
  // PTRACE_TRACEME, by which a debugger's child asks for it, stays.
  ...refuse([["ptrace", 101, 117]], ERRNO.EPERM, [
    { argument: 0, isOneOf: [PTRACE_ATTACH, PTRACE_SEIZE] },
  ]),
  ...refuse([["clone", 56, 220]], ERRNO.EPERM, [{ argument: 0, hasAnyOf: NEW_NAMESPACE }]),
  ...refuse([["unshare", 272, 97]], ERRNO.EPERM, [
    { argument: 0, hasAnyOf: NEW_NAMESPACE + NEW_TIME_NAMESPACE },
  ]),
  ...refuse([["ioctl", 16, 29]], ERRNO.EPERM, [{ argument: 1, isOneOf: [TIOCSTI, TIOCLINUX] }]),
  ...refuse([["personality", 135, 92]], ERRNO.EPERM, [
    { argument: 0, isNoneOf: HARMLESS_PERSONALITIES },
  ]),
  ...refuse([["socket", 41, 198]], ERRNO.EAFNOSUPPORT, [
    { argument: 0, isNoneOf: Object.values(AF) },
    { argument: 2, isNoneOf: [NETLINK_ROUTE], when: { argument: 0, is: AF.netlink } },
  ]),
  ...refuse([["socketpair", 53, 199]], ERRNO.EAFNOSUPPORT, [{ argument: 0, isNoneOf: [AF.unix] }]),
  ...refuse([["shmget", 29, 194]], ERRNO.EINVAL, [{ argument: 1, isAbove: SYSTEM_V_BYTES }]),
];

/** Every call that is refused, always or for some arguments. Each stands here once. */
export const REFUSALS: readonly Refusal[] = [
  ...refuse([...OTHER_PROCESSES, ...KERNEL, ...MOUNTS, ...MACHINE]),
  ...refuse(DONE_WITHOUT, ERRNO.ENOSYS),
  ...BY_ARGUMENT,
];
