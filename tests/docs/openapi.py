"""Writes docs/openapi.json: every address of the application with what it takes, from the url map and `routes.toml`."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from werkzeug.routing import Map, Rule

ROOT = Path(__file__).resolve().parents[2]
WORDS = ROOT / "tests" / "docs" / "routes.toml"
DESCRIPTION = ROOT / "docs" / "openapi.json"
FORM = "application/x-www-form-urlencoded"
MACHINES = ("cds.call", "cds.feedback", "csp_report")  # which send JSON
ADMIN_LINK = ("admin.ask", "admin.enter")  # by which a session begins
REFUSALS = "Refused, in words and with what to do: a page, or JSON where the answer is JSON. 429 says when to come back"
Json = dict[str, Any]


def build_description(addresses: Map) -> Json:
    """OpenAPI 3.1. Raises KeyError for an address or a field without words."""
    said = tomllib.loads(WORDS.read_text("utf-8"))
    paths: dict[str, Json] = {}
    for rule in sorted(addresses.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path = path_of(rule)
            words = said["routes"][f"{method} {path}"]
            paths.setdefault(path, {})[method.lower()] = _operation(rule, method, words, said["fields"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chartside",
            "version": "0.1.0",
            "description": "Made by `make openapi` from the routes and tests/docs/routes.toml; do not edit. "
            "Pages for people in a browser; only `/cds-services`, `/jwks.json`, `/healthz`, `/readyz`, `/metrics`, "
            "`/register.json` and `/model-card.json` are for programs.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "launch": {"type": "apiKey", "in": "cookie", "name": "__Host-chartside"},
                "admin": {"type": "apiKey", "in": "cookie", "name": "__Host-chartside-admin"},
                "ehr": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            }
        },
    }


def described_routes() -> set[str]:
    return set(tomllib.loads(WORDS.read_text("utf-8"))["routes"])


def path_of(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _operation(rule: Rule, method: str, words: Json, fields: Mapping[str, Json]) -> Json:
    described = dict(_named(words.get("query", ()), fields))
    parameters = [_in_path(name, converter) for converter, name in re.findall(r"<(?:(\w+):)?(\w+)>", rule.rule)]
    parameters += [{"in": "query", "name": name, "schema": schema} for name, schema in described.items()]
    operation: Json = {
        "operationId": f"{rule.endpoint} {method}",
        "summary": words["says"],
        "security": [{scheme: []} for scheme in _security(rule)],
        "parameters": parameters,
        "responses": {str(status): _answer(status, words) for status in words.get("answers", [200])},
    }
    operation["responses"]["default"] = {"description": REFUSALS}
    if rule.endpoint in MACHINES:
        operation["requestBody"] = {"content": {"application/json": {"schema": {"type": ["object", "array"]}}}}
    elif method == "POST":
        form = {
            "type": "object",
            "properties": dict(_named((name for name in words["form"] if name[0] != "^"), fields)),
            "patternProperties": {name: {"type": "string"} for name in words["form"] if name[0] == "^"},
            "additionalProperties": False,
        }
        operation["requestBody"] = {"content": {FORM: {"schema": form}}}
    return operation


def _named(names: Iterable[str], fields: Mapping[str, Json]) -> Iterable[tuple[str, Json]]:
    for name, _, other in (entry.partition("=") for entry in names):
        field = fields[other or name]
        yield name, {"type": "string", **field}


def _in_path(name: str, converter: str) -> Json:
    schema = {"type": "integer", "minimum": 0} if converter == "int" else {"type": "string", "minLength": 1}
    return {"in": "path", "name": name, "required": True, "schema": schema}


def _security(rule: Rule) -> tuple[str, ...]:
    if "launch_key" in rule.arguments or rule.endpoint == "launch.logout":
        return ("launch",)
    if rule.endpoint.startswith("admin.") and rule.endpoint not in ADMIN_LINK:
        return ("admin",)
    return ("ehr",) if rule.endpoint in ("cds.call", "cds.feedback") else ()


def _answer(status: int, words: Json) -> Json:
    if status in (204, 302, 303):
        return {"description": "Nothing more to say" if status == 204 else "Elsewhere: see Location"}
    return {"description": words["says"], "content": {words.get("type", "text/html"): {}}}


def to_text(description: Json) -> str:
    return json.dumps(description, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    from whole_site import Site

    with TemporaryDirectory() as folder:
        site = Site(Path(folder))
        DESCRIPTION.write_text(to_text(build_description(site.app.url_map)), "utf-8")
        site.close()
