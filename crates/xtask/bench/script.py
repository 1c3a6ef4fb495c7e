"""What a user would write in an afternoon: fetch the pages one after the other, COPY them into staging, one SQL pass.

    python3 script.py API_URL DATABASE_URL FILL_SQL...

The key is read from GAZELLE_API_KEY. The database holds the tables already.
"""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse

QUERIES = pathlib.Path(__file__).parents[2] / "gazelle-sync" / "src" / "entities"
ROOTS = {"users": "allUsers", "clients": "allClients", "pianos": "allPianos", "appointments": "allEventsBatched"}


def ask(api, path, query, variables):
    headers = {"Content-Type": "application/json", "x-gazelle-api-key": os.environ["GAZELLE_API_KEY"]}
    api.request("POST", path, json.dumps({"query": query, "variables": variables}), headers)
    answer = api.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the API answered {answer.status}")
    return json.loads(body)["data"]


def records(api, path, entity):
    query = "".join((QUERIES / entity / name).read_text() for name in ("page.graphql", "fields.graphql"))
    if entity == "users":
        yield from ask(api, path, query, {})[ROOTS[entity]]
        return
    after = None
    while True:
        page = ask(api, path, query, {"first": 100, "after": after})[ROOTS[entity]]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def escaped(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def stage(database, entity, found):
    copy = f"COPY raw.staging_{entity} (external_id, raw_data) FROM STDIN"
    psql = subprocess.Popen(["psql", "-Xqc", copy, database], stdin=subprocess.PIPE, text=True)
    for record in found:
        # jsonb refuses U+0000: without this, one such record would lose them all.
        raw = json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace("\\u0000", "")
        psql.stdin.write(f"{record['id']}\t{escaped(raw)}\n")
    psql.stdin.close()
    if psql.wait() != 0:
        raise SystemExit(f"{entity} were not staged")


def main(api_url, database, *passes):
    url = urllib.parse.urlsplit(api_url)
    api = http.client.HTTPConnection(url.netloc)
    for entity in ROOTS:
        stage(database, entity, records(api, url.path, entity))
    files = [part for sql in passes for part in ("-f", sql)]
    subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", *files, database], check=True)


main(*sys.argv[1:])
