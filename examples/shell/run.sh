#!/usr/bin/env bash
# Sends a prompt, says what happens, and prints what the agent changed as a patch.
#
#   RUNYARD_URL=http://127.0.0.1:8080/v1 RUNYARD_KEY=ry_… run.sh PROMPT > run.patch
set -euo pipefail

prompt=${1:?say what the agent shall do}
: "${RUNYARD_URL:?}" "${RUNYARD_KEY:?}"

# The key goes to curl through a file descriptor: arguments can be read by everybody on the machine.
api() {
  local path=$1
  shift
  curl --silent --show-error --fail-with-body \
    --header @<(printf 'Authorization: Bearer %s\n' "$RUNYARD_KEY") "$@" "$RUNYARD_URL$path"
}

# A text as a string of JSON, whatever is in it.
json_string() {
  local text=$1 code character escape
  text=${text//'\'/'\\'}
  text=${text//'"'/'\"'}
  for code in {1..31}; do
    printf -v character "\\x$(printf %02x "$code")"
    printf -v escape '\\u%04x' "$code"
    text=${text//"$character"/"$escape"}
  done
  printf '"%s"' "$text"
}

# With an Idempotency-Key it may be sent again: there is one run, however often curl retries.
accepted=$(
  printf '{"prompt":%s}' "$(json_string "$prompt")" |
    api /runs --retry 3 --header 'Content-Type: application/json' \
      --header "Idempotency-Key: shell-$$-$(date +%s)-$RANDOM" --data-binary @-
) || { echo "$accepted" >&2 && exit 1; }
id=$(sed -E 's/^\{"id":"(run_[0-9A-Za-z]+)".*/\1/' <<<"$accepted")
echo "run $id" >&2

# The stream of events says `done` at the run's end. One that ends before goes on from its last event.
status='' last=''
for ((lost = 0; lost < 5; lost++)); do
  while IFS= read -r line; do
    case $line in
      'id: '*) last=${line#id: } lost=0 ;;
      'event: '*) event=${line#event: } ;;
      'data: '*)
        echo "  $event" >&2
        [ "$event" != done ] || status=$(sed -E 's/.*"status":"([a-z_]+)".*/\1/' <<<"$line")
        ;;
    esac
  done < <(api "/runs/$id/events" --no-buffer ${last:+--header "Last-Event-ID: $last"} || sleep 2)
  [ -z "$status" ] || break
done

echo "${status:?the events broke off; run $id may still be at work, GET $RUNYARD_URL/runs/$id says so}" >&2
if [ "$status" != succeeded ]; then
  echo "GET $RUNYARD_URL/runs/$id says why, and what mends it" >&2
  exit 1
fi
# Empty if nothing was changed; /runs/ID/patch is 404 then.
api "/runs/$id/artifacts/patch.diff"
