#!/bin/sh
# Runs a command in the root of an image, as a privileged container does, with this machine's network:
#   enter.sh ROOT USER DIRECTORY COMMAND…
# What the emulators say of folders of this machine is said of those that they are in a container.
set -e
root=$1 user=$2 directory=$3
shift 3
# A root of its own, not a changed one: whoever is in the latter makes no user namespace.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=0755 dev "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
# Has the folder `$1` of this machine seen as `$2`.
see() {
  mkdir -p "$root$2"
  mount --bind "$1" "$root$2"
}
if [ -n "$BUILDER_OUTPUT" ]; then
  see "$PWD" /workspace
  see "$HOME" /builder/home
  see "$BUILDER_OUTPUT" /builder/outputs
  export HOME=/builder/home BUILDER_OUTPUT=/builder/outputs
fi
if [ -n "$PORT" ]; then
  sockets=$(dirname "$PORT")
  chown "$user" "$sockets"
  see "$sockets" "$sockets"
fi
unset TMPDIR
# pivot_root(".", "."), umount2(".", MNT_DETACH), whose programs an image need not have.
exec perl -e '
  my ($root, $user, $directory, @command) = @ARGV;
  my ($here, $detached) = (".", 2);
  chdir $root and syscall(155, $here, $here) == 0 and syscall(166, $here, $detached) == 0
    and chdir "/" and chdir $directory or die "$root cannot be entered: $!\n";
  if ($user) { $( = $user; $) = "$user $user"; $< = $user; $> = $user; }
  exec { $command[0] } @command or die "$command[0] does not start: $!\n";
' -- "$root" "$user" "$directory" "$@"
