"""Holds a value against a JSON Schema: the words that our own schemas use, and no others. Standard library alone."""

import re

KNOWN = {"$schema", "$id", "$defs", "$ref", "title", "type", "description", "properties", "required", "const", "enum",
         "additionalProperties", "propertyNames", "minProperties", "maxProperties", "items", "pattern", "anyOf",
         "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "format", "examples", "default"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
BOUNDS = (("minimum", int, lambda a, b: a < b), ("maximum", int, lambda a, b: a > b),
          ("minLength", str, lambda a, b: len(a) < b), ("maxLength", str, lambda a, b: len(a) > b),
          ("minItems", list, lambda a, b: len(a) < b), ("maxItems", list, lambda a, b: len(a) > b),
          ("minProperties", dict, lambda a, b: len(a) < b), ("maxProperties", dict, lambda a, b: len(a) > b))


def resolve(part, root):
    """Follows $ref within the document; words beside a $ref are descriptions."""
    while "$ref" in part:
        found = root
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def same(a, b):
    """Equality of JSON: true is not 1."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def faults(value, schema, root, where=""):
    """What is wrong with a value, as sentences; none: it validates."""
    schema = resolve(schema, root)
    unknown = set(schema) - KNOWN
    if unknown:
        return [f"{where}: the validator does not know {unknown}"]
    if "anyOf" in schema:
        fits = any(not faults(value, option, root, where) for option in schema["anyOf"])
        return [] if fits else [f"{where}: fits none of {schema['anyOf']}: {value!r}"]
    wanted = schema.get("type")
    if wanted is not None and (not isinstance(value, TYPES[wanted])
                               or (wanted == "integer" and isinstance(value, bool))):
        return [f"{where}: {value!r} is no {wanted}"]
    out = []
    if "const" in schema and not same(value, schema["const"]):
        out.append(f"{where}: {value!r} is not {schema['const']!r}")
    if "enum" in schema and not any(same(value, option) for option in schema["enum"]):
        out.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        out.append(f"{where}: {value!r} does not match {schema['pattern']}")
    for word, kind, wrong in BOUNDS:
        if word in schema and isinstance(value, kind) and not isinstance(value, bool) and wrong(value, schema[word]):
            out.append(f"{where}: {value!r} breaks {word} {schema[word]}")
    if isinstance(value, dict):
        out += object_faults(value, schema, root, where)
    if isinstance(value, list):
        for place, item in enumerate(value):
            out += faults(item, schema.get("items", {}), root, f"{where}/{place}")
    return out


def object_faults(value, schema, root, where):
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    out = [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
    for name, member in value.items():
        if "propertyNames" in schema:
            out += faults(name, schema["propertyNames"], root, f"{where}/{name}")
        if name in properties:
            out += faults(member, properties[name], root, f"{where}/{name}")
        elif others is False:
            out.append(f"{where}: {name} is not described")
        elif isinstance(others, dict):
            out += faults(member, others, root, f"{where}/{name}")
    return out
