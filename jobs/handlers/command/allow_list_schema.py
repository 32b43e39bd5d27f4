"""The shape of the operator's file, as a JSON Schema."""

from typing import Any, Final

from jobs.handlers.command.limits import BOUNDS

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 4096, "pattern": "^[^\\u0000]*$"}
_COMMAND: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["argv", "merchants"],
    "additionalProperties": False,
    "properties": {
        "argv": {"type": "array", "minItems": 1, "maxItems": 256, "items": _TEXT},
        "parameters": {
            "type": "object",
            "maxProperties": 64,
            "additionalProperties": {"type": "object"},
        },
        "environment": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "additionalProperties": {
                "type": "string",
                "maxLength": 32_768,
                "pattern": "^[^\\u0000]*$",
            },
        },
        "readable": {"type": "array", "maxItems": 64, "items": _TEXT},
        # Said out loud for every command: there is no default that lets everybody in.
        "merchants": {
            "oneOf": [
                {"const": "all"},
                {
                    "type": "array",
                    "items": {
                        "type": "string",
                        "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
                    },
                },
            ]
        },
        "limits": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: {"type": "integer", "minimum": least, "maximum": most}
                for name, (least, most) in BOUNDS.items()
            },
        },
        "timeout": {"type": "number", "exclusiveMinimum": 0, "maximum": 86_400},
        "permanent_exit_codes": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 255},
        },
    },
}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["commands"],
    "additionalProperties": False,
    "properties": {
        "bubblewrap": {"type": "string", "pattern": "^/"},
        "commands": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 500,
            "propertyNames": {"pattern": "^[a-z0-9][a-z0-9._-]{0,99}$"},
            "additionalProperties": _COMMAND,
        },
    },
}
