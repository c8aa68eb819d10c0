#!/usr/bin/env bash
# A provider registers its portfolio: check the file, look at what would happen, then do it. Needs a token of the provider.
# Exit code 2 says that rows are wrong, with the line and what to do; 1 that something else went wrong.
. "$(dirname "$0")/lib.sh"

itkatalog=${ITKATALOG:-itkatalog}
provider=${1:?key of the provider, for example krzn} file=${2:?portfolio.csv; "itkatalog portfolio template" prints one to begin with}
service=(--provider "$provider" --endpoint "$CATALOGUE_URL")

"$itkatalog" portfolio check "$file"                    # against the reference data that the program carries
"$itkatalog" portfolio check "$file" "${service[@]}"    # against what is in the catalogue; writes nothing
"$itkatalog" portfolio register "$file" "${service[@]}"
