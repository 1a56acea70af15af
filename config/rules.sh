#!/bin/sh
# Writes the generated texts that are committed: api/rules.md, and the schemas between two marks of api/openapi.yaml.
set -eu
cd "$(dirname "$0")/.."
generate() {
    awk -v form="$1" -f config/rules.awk config/thresholds.tsv config/rules.tsv
}
schemas=$(mktemp)
trap 'rm -f "$schemas" api/openapi.yaml.new api/rules.md.new' EXIT
generate page >api/rules.md.new
generate schemas >"$schemas"
awk -v schemas="$schemas" '
    /^    # end of the generated schemas/ { inside = 0 }
    !inside { print }
    /^    # begin of the generated schemas/ {
        inside = 1
        while ((getline line < schemas) > 0) print line
    }' api/openapi.yaml >api/openapi.yaml.new
mv api/rules.md.new api/rules.md
mv api/openapi.yaml.new api/openapi.yaml
