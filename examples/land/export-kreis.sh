#!/usr/bin/env bash
# All subscriptions of a Kreis and its municipalities, as a table for spreadsheets. Needs a token that may read them.
# A download that breaks off goes on where it was; a file that is not whole is not left behind.
. "$(dirname "$0")/../lib.sh"

ags=${1:?AGS of the Kreis, for example 05334000} file=${2:?file, for example aachen.csv}
field() { python3 -c 'import json, sys; value = json.load(sys.stdin)
for name in sys.argv[1:]: value = (value or {}).get(name)
print("" if value is None else value)' "$@"; }

key=$(python3 -c 'import uuid; print(uuid.uuid4())')
started=$(ask start_export input="{\"what\":\"SUBSCRIPTIONS\",\"format\":\"CSV\",\"filter\":{\"district\":{\"ags\":\"$ags\"}},\"idempotencyKey\":\"$key\"}")
id=$(field startExport export id <<<"$started")
if [ -z "$id" ]; then
    python3 -c 'import json, sys
for error in json.load(sys.stdin)["startExport"]["errors"]: print(error["message"], error["nextStep"], file=sys.stderr)' <<<"$started"
    exit 1
fi
while told=$(ask export id="$id") && state=$(field export state <<<"$told"); [ "$state" = WAITING ] || [ "$state" = RUNNING ]; do
    sleep 0.5
done
[ "$state" = DONE ] || { echo "the export came to $state: $(field export failure <<<"$told")" >&2; exit 1; }

part=$file.part
trap 'rm -f "$part"' EXIT
curl -fsS -C - --retry 5 --retry-all-errors -H @<(printf 'Authorization: Bearer %s' "$ITKATALOG_TOKEN") \
    -o "$part" "${CATALOGUE_URL%/graphql}$(field export downloadPath <<<"$told")"
sha256sum --check --quiet <<<"$(field export sha256 <<<"$told")  $part"
mv "$part" "$file"
echo "$file: $(field export rows <<<"$told") subscriptions"
