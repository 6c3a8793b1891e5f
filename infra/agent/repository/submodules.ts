/** Submodules beyond these are not fetched. */
const MOST = 100;
const MOST_LEVELS = 4;

/**
 * `$1`: `lfs`, or nothing. Fetches the submodules of the repository in the workspace, each by itself and one commit of it
 * where its server can. Says the paths of those that are missing, each with a NUL behind it.
 *
 * Git itself refuses names and paths that lead out of the repository, and commands as ways to
 * update.
 */
export const SUBMODULES = `set -u
lfs=$1
left=${MOST}
update() { git -C "./$1" submodule --quiet update --init "\${@:3}" -- "$2" </dev/null; }
get() {
  update "$1" "$2" --depth=1 && return
  # Its server may serve no single commits. Of one that is there without its files of Git LFS git
  # says no second time that they are missing.
  [ -e "./$1$2/.git" ] && git -C "./$1$2" fetch --quiet --unshallow && update "$1" "$2" &&
    git -C "./$1$2" diff-index --cached --quiet HEAD --
}
into() {
  local path
  while IFS= read -r -d '' path <&3; do
    if [ "$2" -gt 0 ] && [ "$left" -gt 0 ] && left=$((left - 1)) && get "$1" "$path" &&
      [ -e "./$1$path/.git" ]; then
      [ -z "$lfs" ] || git -C "./$1$path" lfs install --local --skip-repo >/dev/null
      into "$1$path/" "$(($2 - 1))"
    else
      printf '%s\\0' "$1$path"
    fi
  done 3< <(git -C "./$1" ls-files -t -s -z | sed -zn 's/^H 160000 [0-9a-f]* 0\\t//p')
}
into "" ${MOST_LEVELS}
`;
