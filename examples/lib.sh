# Sourced by the examples in bash. CATALOGUE_URL and ITKATALOG_TOKEN say whom they ask, and as whom.
set -euo pipefail
shopt -s inherit_errexit
CATALOGUE_URL=${CATALOGUE_URL:-http://127.0.0.1:8080/graphql}
EXAMPLES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# ask DOCUMENT [NAME=TEXT]... : sends documents/DOCUMENT.graphql with these variables and prints its data as JSON; fails on errors.
# A value that begins with { is taken as JSON. The token goes by a descriptor, so that it stands in no list of processes.
ask() {
    local answer headers=(-H 'Content-Type: application/json' -H "Accept-Language: ${CATALOGUE_LANG:-de}")
    answer=$(python3 -c '
import json, sys
given = (text.split("=", 1) for text in sys.argv[2:])
variables = {name: json.loads(value) if value.startswith("{") else value for name, value in given}
print(json.dumps({"query": open(sys.argv[1]).read(), "variables": variables}))
' "$EXAMPLES/documents/$1.graphql" "${@:2}" |
        curl -sS "$CATALOGUE_URL" "${headers[@]}" -H @<(printf '%s' "${ITKATALOG_TOKEN:+Authorization: Bearer $ITKATALOG_TOKEN}") --data-binary @-)
    python3 -c '
import json, sys
answer = json.loads(sys.argv[1])
for error in answer.get("errors", []):
    print(error["message"], error["extensions"].get("nextStep", ""), file=sys.stderr)
if "errors" in answer:
    sys.exit(1)
print(json.dumps(answer["data"]))
' "$answer"
}
