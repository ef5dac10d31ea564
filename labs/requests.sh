# Functions for the shell of the command-line lane. Load them with:  . labs/requests.sh
#
#   devops GET  "_apis/projects?api-version=7.1"                       one request to your organisation
#   devops POST "_apis/projects?api-version=7.1" '{"name": "…"}'
#   azure  PUT  "/subscriptions/…?api-version=…" '{"location": "…"}'   one request to Azure's resource manager
#   devops GET  "_apis/projects?api-version=7.1" | value count         one value of an answer, by its path
#
# AZURE_DEVOPS_ORG_URL is the organisation's address, AZURE_DEVOPS_EXT_PAT its token. Tokens go through a file
# descriptor: on the command line every process of this machine could read them.

devops() {
  request "$1" "$AZURE_DEVOPS_ORG_URL/$2" "${3-}" "$(printf 'user = ":%s"' "$AZURE_DEVOPS_EXT_PAT")"
}

azure() {
  local manager="https://management.azure.com"
  if [ -n "${ARM_CLOUD_METADATA_URL-}" ]; then
    manager="${ARM_CLOUD_METADATA_URL%%/metadata/*}"
  fi
  local token
  token="$(python -c 'import sys
from azure.identity import DefaultAzureCredential
print(DefaultAzureCredential().get_token(sys.argv[1]).token)' "$manager/.default")" || return
  request "$1" "$manager$2" "${3-}" "header = \"Authorization: Bearer $token\""
}

request() {
  local options=(--silent --show-error --fail-with-body --request "$1" "$2")
  if [ -n "$3" ]; then
    options+=(--header "Content-Type: application/json" --data "$3")
  fi
  curl "${options[@]}" --config <(printf '%s\n' "$4")
}

value() {
  python -c 'import json, sys
found = json.load(sys.stdin)
for part in sys.argv[1].split("."):
    found = found[int(part)] if isinstance(found, list) else found[part]
print(found if isinstance(found, str) else json.dumps(found))' "$1"
}
