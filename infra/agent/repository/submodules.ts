/** Submodules beyond these are not fetched. */
const MOST = 100;
const MOST_LEVELS = 4;

/**
 * Fetches the submodules of the repository in the workspace, each by itself and one commit of it
 * where its server can. Says the paths of those that are missing, each with a NUL behind it.
 *
 * Git itself refuses names and paths that lead out of the repository, and commands as ways to
 * update.
 */
export const SUBMODULES = `set -u
left=${MOST}
update() { git -C "./$1" submodule --quiet update --init "\${@:3}" -- "$2" </dev/null; }
get() {
  update "$1" "$2" --depth=1 && return
  # Its server may serve no single commits.
  [ -e "./$1$2/.git" ] && git -C "./$1$2" fetch --quiet --unshallow && update "$1" "$2"
}
into() {
  local path
  while IFS= read -r -d '' path <&3; do
    if [ "$2" -gt 0 ] && [ "$left" -gt 0 ] && left=$((left - 1)) && get "$1" "$path" &&
      [ -e "./$1$path/.git" ]; then
      into "$1$path/" "$(($2 - 1))"
    else
      printf '%s\\0' "$1$path"
    fi
  done 3< <(git -C "./$1" ls-tree -r -z HEAD | sed -zn 's/^160000 commit [0-9a-f]*\\t//p')
}
into "" ${MOST_LEVELS}
`;
