"""The interface for programs as a page of Markdown, made of what is served; a test holds the docs to it."""

from __future__ import annotations

from stillhunt.web.api import openapi

__all__ = ["as_markdown"]


def as_markdown() -> str:
    """Return ``docs/reference/api.md``."""
    described = openapi()
    lines = [
        "# The interface for programs",
        "",
        "Made of the code by `python -m stillhunt.web.reference`; served as OpenAPI 3.1 at `/api/openapi.json`.",
        "Every request carries a token: `Authorization: Bearer ...`. A refusal is `application/problem+json`.",
        "",
    ]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            lines += [f"## {method.upper()} `{path}`", "", f"{operation['summary']} {operation['description']}", ""]
            asked = [p for p in operation.get("parameters", ()) if p["in"] == "query"]
            if asked:
                lines += ["| parameter | type | what it is |", "|---|---|---|"]
                lines += [f"| `{p['name']}` | {_type(p['schema'])} | {p['description']} |" for p in asked]
                lines.append("")
            if "requestBody" in operation:
                reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                lines += _body(described["components"]["schemas"][reference.rpartition("/")[2]])
    return "\n".join(lines).rstrip() + "\n"


def _body(schema: dict[str, object]) -> list[str]:
    properties = schema["properties"]
    needed = schema.get("required", [])
    assert isinstance(properties, dict)
    assert isinstance(needed, list)
    rows = [f"| `{name}` | {_type(one)} | {'yes' if name in needed else 'no'} |" for name, one in properties.items()]
    return ["| field of the body | type | needed |", "|---|---|---|", *rows, ""]


def _type(schema: dict[str, object]) -> str:
    choices = schema.get("enum")
    return ", ".join(f"`{one}`" for one in choices) if isinstance(choices, list) else str(schema.get("type", "any"))


if __name__ == "__main__":
    import sys

    sys.stdout.write(as_markdown())
